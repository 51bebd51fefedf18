"""Whether two sides may be compared: what is unlike, and what is a reason for doubt."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

from nutrace.comparison.drift import one_after_the_other
from nutrace.comparison.figures import RunFigures
from nutrace.comparison.result import SideFacts

_Sides = Tuple[Sequence[RunFigures], Sequence[RunFigures]]
_NAMES = ("base", "new")
_BUSY = 0.5  # of a machine's cores
_SHOWN = 3


def facts(runs: Sequence[RunFigures], warnings: Sequence[str]) -> SideFacts:
    """A side of a comparison."""
    return SideFacts(
        files=tuple(run.identity.file for run in runs),
        runs=len(runs),
        scenarios=len({scenario.name for run in runs for scenario in run.scenarios}),
        steps=sum(run.steps for run in runs),
        warnings=tuple(warnings),
        times=tuple(_times(runs)),
    )


def refusals(sides: _Sides) -> List[str]:
    """Why the sides should not be compared, a sentence each."""
    found = _duplicates(sides)
    for name, runs in zip(_NAMES, sides):
        unfinished = [run.identity.file for run in runs if not run.identity.complete]
        if unfinished:
            found.append(f"{name} has unfinished runs: {_list(unfinished)}")
    settings, speedups = ([{key(run) for run in runs} for runs in sides] for key in (_settings, _speedups))
    for what, values in (("settings of nutrace", settings), ("speedups", speedups)):
        for name, own in zip(_NAMES, values):
            if len(own) > 1:
                found.append(f"runs of {name} differ in their {what}: {_list(sorted(own))}")
    if all(len(own) == 1 for own in settings) and settings[0] != settings[1]:
        (before,), (after,) = settings
        found.append(f"settings of nutrace differ: {before or 'none'} in base, {after or 'none'} in new")
    return found + _without_steps(sides) + _scenario_sets(sides)


def _duplicates(sides: _Sides) -> List[str]:
    found: List[str] = []
    seen: Dict[Any, Tuple[str, str]] = {}
    for name, runs in zip(_NAMES, sides):
        for run in runs:
            # Runs of other programs have no id, and begin at different times.
            key = run.identity.run_id or (run.identity.begin_ns, run.times["run.wall_s"])
            if key in seen:
                other, file = seen[key]
                where = f"twice in {name}" if other == name else "on both sides"
                files = file if file == run.identity.file else f"{file} and {run.identity.file}"
                found.append(f"the same run is {where}: {files}")
            seen[key] = name, run.identity.file
    return found


def _without_steps(sides: _Sides) -> List[str]:
    """Runs that simulated nothing, among others that did: their times would count as steps of no time."""
    found = []
    for name, runs in zip(_NAMES, sides):
        without = [run.identity.file for run in runs if not run.steps]
        if 0 < len(without) < len(runs):
            found.append(f"{name} has runs without steps: {_list(without)}")
    return found


def _scenario_sets(sides: _Sides) -> List[str]:
    steps = [[run.steps > 0 for run in runs] for runs in sides]
    if any(steps[0]) != any(steps[1]):
        return [f"{_NAMES[any(steps[0])]} has no steps"]
    names = [{scenario.name for run in runs for scenario in run.scenarios} for runs in sides]
    if not any(names):
        paths = [{path.names for run in runs for path in run.paths} for runs in sides]
        if all(sides) and not paths[0] & paths[1]:
            return ["the sides have nothing in common: neither steps nor span paths"]
        return []
    if all(sides) and not names[0] & names[1]:
        return ["the sides have nothing in common: no scenario is on both"]
    found = []
    for name, own, other in zip(_NAMES, names, names[::-1]):
        if own - other:
            found.append(f"scenarios that only {name} has: {_list(sorted(own - other))}")
    return found


def warnings(sides: _Sides) -> Tuple[List[str], List[str]]:
    """Reasons for doubt on each side; what concerns both is said of the new side."""
    found: Tuple[List[str], List[str]] = ([], [])
    for own, runs in zip(found, sides):
        for run in runs:
            own += [f"{run.identity.file}: {doubt}" for doubt in run.identity.doubts]
        busy = [run for run in runs if (run.identity.load or 0) > _BUSY]
        if busy:
            own.append(f"the machine was busy when {len(busy)} of {len(runs)} runs began")
    for what, key in _SURROUNDINGS:
        values = [sorted({key(run) for run in runs}) for runs in sides]
        if all(values) and values[0] != values[1]:
            before, after = (_list([value or "unknown" for value in own]) for own in values)
            found[1].append(f"another {what}: {before} in base, {after} in new")
        for own, part in zip(found, values):
            if values[0] == values[1] and len(part) > 1:
                own.append(f"runs with more than one {what}: {_list(part)}")
    found[1].extend(_other_times(sides))
    if one_after_the_other(*sides):
        found[1].append(
            "all runs of one side were made before the other's: if the machine became slower or faster "
            "meanwhile, that looks like a change; interleave them (nutrace bench)"
        )
    return found


def _times(runs: Sequence[RunFigures]) -> List[str]:
    return sorted({run.identity.times for run in runs})


def _other_times(sides: _Sides) -> List[str]:
    """That nutrace's own time was taken out of some runs only."""
    states = [_times(runs) for runs in sides]
    if len({state for own in states for state in own}) < 2:
        return []
    base, new = (" and ".join(own) or "unknown" for own in states)
    return [
        f"the times of base are {base}, those of new are {new}: what nutrace itself takes looks like a "
        "change; --raw compares all times as they were recorded"
    ]


def _speedups(run: RunFigures) -> str:
    return (
        ", ".join(f"{name}({options})" for name, options in sorted(run.identity.speedups.items())) or "none"
    )


def _settings(run: RunFigures) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(run.identity.settings.items()))


def _list(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else f"{shown} and {len(texts) - _SHOWN:,} more"


#: What should be the same: a difference is warned of.
_SURROUNDINGS: Tuple[Tuple[str, Callable[[RunFigures], str]], ...] = (
    ("host", lambda run: run.identity.host),
    ("machine", lambda run: run.identity.machine),
    ("interpreter", lambda run: run.identity.interpreter),
    ("nutrace", lambda run: run.identity.nutrace),
    ("devkit", lambda run: run.identity.devkit),
)
