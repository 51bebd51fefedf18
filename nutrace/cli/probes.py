"""``nutrace probes``: the list of probes, and which of their targets the installed devkit has."""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json
from nutrace.printable import printable
from nutrace.probes.catalogue import at_level, collect
from nutrace.probes.catalogue.check import Devkit, Finding, check, installed_devkit
from nutrace.probes.probe import Probe
from nutrace.semconv import COMPONENTS
from nutrace.settings import LEVELS, Settings

_LONGEST_NAME = 80
_LONGEST_REASON = 200


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--level", choices=LEVELS, help="only probes that are active at this level")
    parser.add_argument(
        "--component",
        choices=COMPONENTS,
        metavar="NAME",
        help=f"only probes of a component: {', '.join(COMPONENTS)}",
    )
    add_json(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="show which targets the installed devkit has; missing ones are inactive, which is no error",
    )


def run(args: argparse.Namespace) -> int:
    """Print the list of probes; the exit code is 0 even if targets are missing.

    Raises
    ------
    MissingDependencyError
        If ``--check`` finds no devkit.
    ProbeError
        If a declaration of a user's probe is wrong.
    SettingsError
        If a setting is wrong; one of them names the file of the user's probes.
    """
    probes = _sorted(collect(Settings.load().probes or None, Path.cwd()))
    if args.level:
        probes = list(at_level(probes, args.level))
    if args.component:
        probes = [probe for probe in probes if probe.component == args.component]
    devkit, findings = _check(probes) if args.check else (None, None)
    if args.json:
        print_json(_document(probes, devkit, findings))
    else:
        print("\n".join(_lines(probes, devkit, findings)))
    return 0


def _sorted(probes: Iterable[Probe]) -> List[Probe]:
    return sorted(probes, key=lambda p: (COMPONENTS.index(p.component), LEVELS.index(p.level), p.span_name))


def _check(probes: Sequence[Probe]) -> Tuple[Devkit, Tuple[Finding, ...]]:
    devkit = installed_devkit()
    # Modules may print while they are imported: keep that out of the table and the JSON.
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
        target = printable(_target(probe), _LONGEST_REASON)
        line = f"  {probe.level:<{len('normal')}}  {name:<{width}}  {target}"
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
    return f"{len(probes)} probes: {', '.join(per_level)}; each level includes the coarser ones"


def _verdict(probes: Sequence[Probe], devkit: Devkit, missing: int) -> str:
    where = f"nuPlan devkit {devkit.version or '(version unknown)'} in {devkit.path}"
    present = f"{len(probes) - missing} of {len(probes)} targets present"
    absent = f", {missing} missing and therefore inactive" if missing else ""
    return f"{where}: {present}{absent}"


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
