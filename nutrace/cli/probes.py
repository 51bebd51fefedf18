"""``nutrace probes``: what is traced, and what of it the installed devkit has."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from nutrace.cli.table import printable
from nutrace.probes.catalogue import at_level, collect
from nutrace.probes.catalogue.check import Devkit, Finding, check, installed_devkit
from nutrace.probes.probe import Probe
from nutrace.semconv import COMPONENTS
from nutrace.settings import LEVELS, Settings

_LONGEST_NAME = 80
_LONGEST_REASON = 200


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``nutrace probes``."""
    parser.add_argument("--level", choices=LEVELS, help="only probes that are active at this level")
    parser.add_argument("--component", choices=COMPONENTS, help="only probes of this component")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--check",
        action="store_true",
        help="say which targets the installed devkit has; missing ones are inactive, not an error",
    )


def run(args: argparse.Namespace) -> int:
    """List the probes; 0 even if targets are missing.

    Raises
    ------
    MissingDependencyError
        If ``--check`` finds no devkit at all.
    ProbeError
        If a declaration of the user's cannot be right.
    SettingsError
        If the settings, which name the user's file, cannot be right.
    """
    probes = _sorted(collect(Settings.load().probes or None, Path.cwd()))
    if args.level:
        probes = list(at_level(probes, args.level))
    if args.component:
        probes = [probe for probe in probes if probe.component == args.component]
    devkit, findings = _check(probes) if args.check else (None, None)
    if args.json:
        print(json.dumps(_document(probes, devkit, findings), indent=2))
    else:
        print("\n".join(_lines(probes, devkit, findings)))
    return 0


def _sorted(probes: Iterable[Probe]) -> List[Probe]:
    return sorted(probes, key=lambda p: (COMPONENTS.index(p.component), LEVELS.index(p.level), p.span_name))


def _check(probes: Sequence[Probe]) -> Tuple[Devkit, Tuple[Finding, ...]]:
    devkit = installed_devkit()
    # What modules print while they are imported must not end up in the table or the JSON.
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return devkit, check(probes)


def _lines(
    probes: Sequence[Probe], devkit: Optional[Devkit], findings: Optional[Sequence[Finding]]
) -> Iterable[str]:
    names = [printable(probe.span_name, _LONGEST_NAME) for probe in probes]
    width = max(map(len, names), default=0)
    missing = {finding.probe.target: finding.missing for finding in findings or () if finding.missing}
    component = None
    for probe, name in zip(probes, names):
        if probe.component != component:
            component = probe.component
            yield component
        line = f"  {probe.level:<{len('normal')}}  {name:<{width}}  {_target(probe)}"
        if probe.target in missing:
            line += f"  missing: {printable(missing[probe.target], _LONGEST_REASON)}"
        yield line
    yield ""
    yield _counts(probes)
    if devkit is not None:
        yield _verdict(probes, devkit, len(missing))


def _target(probe: Probe) -> str:
    if probe.until is not None:
        return f"{probe.target} until {probe.until.partition(':')[2]}"
    return f"{probe.target} and overriding methods" if probe.subclasses else probe.target


def _counts(probes: Sequence[Probe]) -> str:
    per_level = (f"{sum(probe.level == level for probe in probes)} {level}" for level in LEVELS)
    return f"{len(probes)} probes: {', '.join(per_level)}; a level has those of the coarser ones too"


def _verdict(probes: Sequence[Probe], devkit: Devkit, missing: int) -> str:
    where = f"nuPlan devkit {devkit.version or '(version unknown)'} in {devkit.path}"
    found = f"{len(probes) - missing} of {len(probes)} targets present"
    missed = f", {missing} missing and so inactive" if missing else ""
    return f"{where}: {found}{missed}"


def _document(
    probes: Sequence[Probe], devkit: Optional[Devkit], findings: Optional[Sequence[Finding]]
) -> Dict[str, Any]:
    rows = [
        {
            "target": probe.target,
            "until": probe.until,
            "component": probe.component,
            "name": probe.span_name,
            "level": probe.level,
            "subclasses": probe.subclasses,
            "distribution": probe.distribution or None,
        }
        for probe in probes
    ]
    if devkit is None or findings is None:
        return {"probes": rows}
    missing = sum(finding.missing is not None for finding in findings)
    return {
        "devkit": {"version": devkit.version, "path": str(devkit.path)},
        "summary": {"probes": len(rows), "present": len(rows) - missing, "missing": missing},
        "probes": [
            {**row, "present": finding.missing is None, "missing": finding.missing}
            for row, finding in zip(rows, findings)
        ],
    }
