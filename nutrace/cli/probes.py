"""``nutrace probes``: the list of probes, and which of their targets are installed."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, component
from nutrace.cli.report_style import Style, style_of_output
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.printable import printable
from nutrace.probes.catalogue import at_level, collect, planner_catalogues, planner_of
from nutrace.probes.catalogue.check import (
    Devkit,
    Finding,
    PlannerFindings,
    check,
    check_planner,
    installed_devkit,
)
from nutrace.probes.probe import Probe
from nutrace.semconv import COMPONENTS
from nutrace.settings import LEVELS, Settings

_COMPONENT_WIDTH = max(map(len, COMPONENTS))
_LONGEST_NAME = 80
_LONGEST_REASON = 200


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--level", choices=LEVELS, help="only probes that are active at this level")
    parser.add_argument(
        "--component",
        type=component,
        metavar="NAME",
        help=f"only probes of a component: {', '.join(COMPONENTS)}",
    )
    add_json(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="show which targets the devkit and the planners have that are installed; "
        "missing ones are inactive, which is no error",
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
    result = _check(probes) if args.check else None
    if args.json:
        print_json(_document(probes, result))
    else:
        print("\n".join(_lines(probes, result, style_of_output())))
    return 0


@dataclass(frozen=True)
class _Result:
    """What the check found: of the planners' probes, and of all others."""

    devkit: Devkit
    findings: Tuple[Finding, ...]
    planners: Tuple[PlannerFindings, ...]

    @property
    def missing(self) -> Dict[str, str]:
        """Why targets are missing; planners that are not installed are left out."""
        every = (self.findings, *(planner.findings for planner in self.planners))
        return {f.probe.target: f.missing for findings in every for f in findings if f.missing is not None}

    @property
    def absent(self) -> Set[str]:
        """The planners that are not installed."""
        return {planner.name for planner in self.planners if not planner.installed}


def _sorted(probes: Iterable[Probe]) -> List[Probe]:
    """By component, and those on planners after all others, by planner."""
    order = {"": -1, **{planner.name: number for number, planner in enumerate(planner_catalogues())}}
    return sorted(
        probes,
        key=lambda p: (
            order[planner_of(p)],
            COMPONENTS.index(p.component),
            LEVELS.index(p.level),
            p.span_name,
        ),
    )


def _check(probes: Sequence[Probe]) -> _Result:
    devkit = installed_devkit()
    by_planner: Dict[str, List[Probe]] = {}
    for probe in probes:
        by_planner.setdefault(planner_of(probe), []).append(probe)
    # Modules may print while they are imported: keep that out of the table and the JSON.
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        findings = check(by_planner.get("", ()))
        chosen = (planner for planner in planner_catalogues() if planner.name in by_planner)
        return _Result(devkit, findings, tuple(check_planner(each, by_planner[each.name]) for each in chosen))


def _lines(probes: Sequence[Probe], result: Optional[_Result], style: Style) -> Iterable[str]:
    # A check says of planners how many targets they have, and which they lack.
    rows = [probe for probe in probes if result is None or not planner_of(probe)]
    missing = result.missing if result is not None else {}
    yield from _plain(rows, missing) if style.width is None else _drawn(rows, missing, style)
    yield ""
    yield style.text(_counts(probes))
    if result is not None:
        yield style.text(_verdict(result))
        for found in result.planners:
            yield from _planner_lines(found, style)


def _drawn(rows: Sequence[Probe], missing: Mapping[str, str], style: Style) -> Iterable[str]:
    """For a terminal: a table for each component or planner."""
    span, level = Column("span", right=False, least=20), Column("level", right=False, rank=2)
    target = Column("target", right=False, least=20)
    of_planner = Column("component", right=False, component=True, rank=3)
    for group, probes in groupby(rows, key=lambda probe: planner_of(probe) or probe.component):
        yield style.heading(group)
        listed, remarks = [], []
        columns = [span, level, target]
        for probe in probes:
            name = printable(probe.span_name, _LONGEST_NAME)
            cells = [name, probe.level, printable(_target(probe), _LONGEST_REASON)]
            if planner_of(probe):
                columns = [span, level, of_planner, target]
                cells.insert(2, probe.component)
            listed.append(cells)
            why = missing.get(probe.target)
            remarks.append([] if why is None else [f"missing: {printable(why, _LONGEST_REASON)}"])
        yield style.table(columns, listed, remarks=remarks)


def _plain(rows: Sequence[Probe], missing: Mapping[str, str]) -> Iterable[str]:
    names = [printable(probe.span_name, _LONGEST_NAME) for probe in rows]
    width = max(map(len, names), default=0)
    heading = None
    for probe, name in zip(rows, names):
        planner = planner_of(probe)
        if (planner or probe.component) != heading:
            heading = planner or probe.component
            yield heading
        target = printable(_target(probe), _LONGEST_REASON)
        component = f"{probe.component:<{_COMPONENT_WIDTH}}  " if planner else ""
        line = f"  {probe.level:<{len('normal')}}  {component}{name:<{width}}  {target}"
        if probe.target in missing:
            line += f"  missing: {printable(missing[probe.target], _LONGEST_REASON)}"
        yield line


def _planner_lines(found: PlannerFindings, style: Style) -> Iterable[str]:
    if not found.installed:
        yield style.text(f"{found.name}: not installed", tone=Tone.QUIET)
        return
    yield style.text(f"{found.name}: {found.present} of {len(found.findings)} targets")
    # One module that cannot be imported takes all of its targets with it.
    reasons = Counter(finding.missing for finding in found.findings if finding.missing is not None)
    for reason, count in reasons.items():
        yield style.line(f"{count} missing: {printable(reason, _LONGEST_REASON)}")


def _target(probe: Probe) -> str:
    if probe.until is not None:
        return f"{probe.target} until {probe.until.partition(':')[2]}"
    return f"{probe.target} and overriding methods" if probe.subclasses else probe.target


def _counts(probes: Sequence[Probe]) -> str:
    per_level = (f"{sum(probe.level == level for probe in probes)} {level}" for level in LEVELS)
    return f"{len(probes)} probes: {', '.join(per_level)}; each level includes the coarser ones"


def _verdict(result: _Result) -> str:
    devkit, probes = result.devkit, len(result.findings)
    missing = sum(finding.missing is not None for finding in result.findings)
    where = f"nuPlan devkit {devkit.version or '(version unknown)'} in {devkit.path}"
    present = f"{probes - missing} of {probes} targets present"
    absent = f", {missing} missing and therefore inactive" if missing else ""
    return f"{where}: {present}{absent}"


def _document(probes: Sequence[Probe], result: Optional[_Result]) -> Dict[str, Any]:
    rows: List[Dict[str, Any]] = [
        {
            "target": probe.target,
            "until": probe.until,
            "component": probe.component,
            "name": probe.span_name,
            "level": probe.level,
            "subclasses": probe.subclasses,
            "distribution": probe.distribution or None,
            "planner": planner_of(probe) or None,
        }
        for probe in probes
    ]
    if result is None:
        return {"probes": rows}
    reasons = result.missing
    for row in rows:
        if row["planner"] in result.absent:
            row["missing"] = f"{row['planner']} is not installed"
        else:
            row["missing"] = reasons.get(row["target"])
        row["present"] = row["missing"] is None
    missing = sum(finding.missing is not None for finding in result.findings)
    return {
        "devkit": {"version": result.devkit.version, "path": str(result.devkit.path)},
        # Of everything but planners.
        "summary": {
            "probes": len(result.findings),
            "present": len(result.findings) - missing,
            "missing": missing,
        },
        "planners": [
            {
                "name": found.name,
                "installed": found.installed,
                "targets": sum(row["planner"] == found.name for row in rows),
                "present": found.present,
            }
            for found in result.planners
        ],
        "probes": rows,
    }
