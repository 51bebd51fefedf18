"""Which targets there are: imports each module and looks."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Dict, Iterable, Optional, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch

_DISTRIBUTION = "nuplan-devkit"
_PACKAGE = "nuplan"


@dataclass(frozen=True)
class Devkit:
    """The devkit of this interpreter; a checkout that is merely on the path has no version."""

    version: Optional[str]
    path: Path


@dataclass(frozen=True)
class Finding:
    """A probe and why it stays inactive here.

    Parameters
    ----------
    missing:
        Why its target is not there; ``None`` if it is.
    unfit:
        Why it cannot be used on a target that is there, as on a fork's; ``None`` if it can.
    """

    probe: Probe
    missing: Optional[str]
    unfit: Optional[str] = None


def installed_devkit() -> Devkit:
    """Find the devkit without importing it.

    Raises
    ------
    MissingDependencyError
        If this interpreter has no nuPlan devkit.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not locations:
        raise MissingDependencyError(
            f"no nuPlan devkit for {sys.executable}: install nutrace in the devkit's environment"
        )
    try:
        version: Optional[str] = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        version = None
    return Devkit(version, Path(locations[0]).parent)


def check(probes: Iterable[Probe]) -> Tuple[Finding, ...]:
    """Look for every target, and for the targets that close bracketed pairs.

    Imports the modules of all targets into this process, with whatever that prints and does.
    """
    modules: Dict[str, Optional[str]] = {}
    findings = []
    for probe in probes:
        reasons = (_missing(target, modules) for target in (probe.target, probe.until, *probe.without))
        missing = next((reason for reason in reasons if reason is not None), None)
        findings.append(Finding(probe, missing, _unfit(probe) if missing is None else None))
    return tuple(findings)


def _unfit(probe: Probe) -> Optional[str]:
    """Why the probe's own stand-in refuses its target."""
    if probe.stand_in is None:
        return None
    try:
        probe.stand_in(_find(sys.modules[probe.module], probe.qualname), Switch())
    except AttributeError as error:
        return str(error)
    return None


def _missing(target: Optional[str], modules: Dict[str, Optional[str]]) -> Optional[str]:
    """Why `target` is not there; `modules` remembers why imports failed."""
    if target is None:
        return None
    name, _, qualname = target.partition(":")
    if name not in modules:
        modules[name] = _import_failure(name)
    if modules[name] is not None:
        return modules[name]
    try:
        _find(sys.modules[name], qualname)
    except AttributeError:
        return f"{name} has no {qualname}"
    return None


def _find(found: object, qualname: str) -> object:
    for part in qualname.split("."):
        found = inspect.getattr_static(found, part)  # static: a property of a class must not run
    return found


def _import_failure(name: str) -> Optional[str]:
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever a module raises when it is imported
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return None
