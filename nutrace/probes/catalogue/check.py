"""Which targets this interpreter has: each module is imported and looked through."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Dict, Iterable, Optional, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.patching import MissingTarget
from nutrace.patching.targets import resolve, split
from nutrace.probes.catalogue.registry import Catalogue
from nutrace.probes.probe import Probe

_DISTRIBUTION = "nuplan-devkit"
_PACKAGE = "nuplan"


@dataclass(frozen=True)
class Devkit:
    """The devkit of this interpreter. One that is only on the path, and not installed, has no version."""

    version: Optional[str]
    path: Path


@dataclass(frozen=True)
class Finding:
    """A probe, and why its target is missing; ``None`` if it is there."""

    probe: Probe
    missing: Optional[str]


@dataclass(frozen=True)
class PlannerFindings:
    """Whether a planner is installed, and if it is, what was found of each of its targets."""

    name: str
    installed: bool
    findings: Tuple[Finding, ...] = ()

    @property
    def present(self) -> int:
        """The number of targets that are there."""
        return sum(finding.missing is None for finding in self.findings)


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


def check_planner(planner: Catalogue, probes: Iterable[Probe]) -> PlannerFindings:
    """Look for the targets of a planner, if it is installed. `probes` are those on it."""
    if not _is_there(planner.sign):
        return PlannerFindings(planner.name, installed=False)
    return PlannerFindings(planner.name, installed=True, findings=check(probes))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (Exception, SystemExit):  # the packages around it are imported, and may be somebody else's
        return False


def check(probes: Iterable[Probe]) -> Tuple[Finding, ...]:
    """Look for every target, and for the targets that close bracketed pairs.

    The modules of all targets are imported into this process, whatever they print and do.
    """
    modules: Dict[str, Optional[str]] = {}
    findings = []
    for probe in probes:
        reasons = (_missing(target, modules) for target in (probe.target, probe.until, *probe.without))
        missing = next((reason for reason in reasons if reason is not None), None)
        findings.append(Finding(probe, missing))
    return tuple(findings)


def _missing(target: Optional[str], modules: Dict[str, Optional[str]]) -> Optional[str]:
    """Why `target` is missing; `modules` remembers why imports failed."""
    if target is None:
        return None
    name, qualname = split(target)
    if name not in modules:
        modules[name] = _import_failure(name)
    if modules[name] is not None:
        return modules[name]
    try:
        resolve(sys.modules[name], qualname)
    except MissingTarget:
        return f"{name} has no {qualname}"
    return None


def _import_failure(name: str) -> Optional[str]:
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a module may raise anything when it is imported
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return None
