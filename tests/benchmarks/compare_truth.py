"""Whether comparisons tell the truth: many comparisons of runs of which it is known what changed.

    python tests/benchmarks/compare_truth.py [--trials 400] [--changed 100] [--runs FOLDER] [--seed 1]

Simulated runs (``tests/fakes/simulated_runs.py`` states the model), with 5, 7 or 10 runs a side, 1, 3 or 12
scenarios of 149 steps, on machines that are quiet (noise 0.5 and 1) or busy (3 and 10):

- nothing changed: how many of the rows are called faster or slower, in how many comparisons any is, and how
  many of the intervals of 95 % hold the truth;
- one component became 5 % slower, 7 runs a side: in how many comparisons it is called slower, is the first
  of the components, and no other is called changed;
- a function has another name, or a cache's span around it: whether it is called moved, and nothing else.

With --runs, the same of real runs: run files of one program, named in the order in which they were made, at
least 14 of them. For each of 40 comparisons 7 and 7 are drawn at random; the slower component and the other
name are made in what was measured. And each 7 runs in a row are compared with the next 7, between which the
machine may have become faster or slower.

The exit code is 1 if more than 5 % of the rows are called changed where nothing changed, if a quiet machine
finds the slower component in less than 90 % of the comparisons, or if any move is not named.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy
from fakes.simulated_runs import PROGRAM, STEP, renamed, sides, slower

from nutrace.comparison import Comparison, Kind, RunFigures, Verdict, compare, measure
from nutrace.trace import load

NOISES = (0.5, 1.0, 3.0, 10.0)
QUIET = 1.0
RUNS = (5, 7, 10)
SCENARIOS = (1, 3, 12)
STEPS = 149
CHANGED = (Verdict.FASTER, Verdict.SLOWER)
FACTOR = 1.05
#: Components that are 5 % of a step or more, and do the same work in all runs.
SLOWED = ("planner", "observation", "database", "controller", "map")

_TRAJECTORY = (STEP, "planner.compute", "planner.trajectory")
_PLANNER = (STEP, "planner.compute")
_STATEMENT = next(part.names for part in PROGRAM if part.names[-1] == "sqlite3.statement")
MOVES: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "a function has another name": (_TRAJECTORY, (*_PLANNER, "planner.best_trajectory")),
    "one that calls others has": (_PLANNER, (STEP, "planner.plan")),
    "a cache's span is around it": (_STATEMENT, (*_STATEMENT[:-1], "row_cache.get", "sqlite3.statement")),
}

_Sides = Tuple[Sequence[RunFigures], Sequence[RunFigures]]


class Rows(NamedTuple):
    """The times of one comparison: how many, how many are called changed, how many intervals hold 0."""

    all: int
    changed: int
    intervals: int
    hold: int
    moved: int


def rows(result: Comparison) -> Rows:
    """Count the rows; of figures that are multiples of each other only one."""
    times = [
        row
        for row in result.judged
        if row.kind is Kind.TIME and row.figure not in ("steps.total_s", "steps.realtime_factor")
    ]
    every = [(row.verdict, row.low, row.high) for row in times]
    every += [(path.verdict, path.low, path.high) for path in result.paths]
    known = [(low, high) for _, low, high in every if low is not None and high is not None]
    return Rows(
        all=len(every),
        changed=sum(verdict in CHANGED for verdict, _, _ in every),
        intervals=len(known),
        hold=sum(low <= 0 <= high for low, high in known),
        moved=sum(path.moved_from is not None for path in result.paths),
    )


def unchanged(name: str, trials: Sequence[_Sides]) -> bool:
    """Print what is said where nothing changed; return whether it is true often enough."""
    found = [rows(compare(*trial)) for trial in trials]
    every, changed = sum(each.all for each in found), sum(each.changed for each in found)
    wrong = sum(each.changed > 0 for each in found)
    hold = sum(each.hold for each in found) / sum(each.intervals for each in found)
    print(
        f"  {name:32} {len(found):4} comparisons: {changed:3} of {every:6} rows changed "
        f"({100 * changed / every:.2f} %), any in {100 * wrong / len(found):4.1f} % of the comparisons; "
        f"{100 * hold:.1f} % of the intervals hold 0; moved: {sum(each.moved for each in found)}"
    )
    return changed <= 0.05 * every


def found_first(result: Comparison, component: str) -> Tuple[bool, bool]:
    """Whether a component is called slower and is the first of them, and whether it is the only one."""
    figures = [row for row in result.judged if row.figure.startswith("components.") and row.kind is Kind.TIME]
    changed = [row.figure for row in figures if row.verdict in CHANGED]
    own = f"components.{component}.self_ms_per_step"
    first = figures[0].figure == own and figures[0].verdict is Verdict.SLOWER
    return first, first and changed == [own]


def slowed(name: str, trials: Sequence[Tuple[str, _Sides]]) -> float:
    """Print how often a slower component is found; return the share."""
    first = alone = 0
    scatters = []
    for component, trial in trials:
        result = compare(*trial)
        is_first, is_alone = found_first(result, component)
        first, alone = first + is_first, alone + is_alone
        scatters.append(_scatter(result, component))
    print(
        f"  {name:32} {len(trials):4} comparisons: found and first in {first}, and alone in {alone}; "
        f"it scatters by {100 * numpy.median(scatters):.1f} % from run to run"
    )
    return first / len(trials)


def _scatter(result: Comparison, component: str) -> float:
    """The standard deviation of the runs, from the width of the interval of 7 and 7 of them."""
    own = next(row for row in result.judged if row.figure == f"components.{component}.self_ms_per_step")
    half = (math.log1p(own.high or 0.0) - math.log1p(own.low or 0.0)) / 2
    return half / 2.2 / math.sqrt(2 / 7)


def moved(name: str, trials: Sequence[_Sides], names: Tuple[Tuple[str, ...], Tuple[str, ...]]) -> bool:
    """Print how often a move is named; return whether it always is."""
    named = others = changed = 0
    for trial in trials:
        result = compare(*trial)
        origins = {path.path: path.moved_from for path in result.paths if path.moved_from is not None}
        named += origins.get(names[1]) == names[0]
        others += sum(origin != _before(path, names) for path, origin in origins.items())
        changed += rows(result).changed
    print(
        f"  {name:40} {len(trials):4} comparisons: named in {named}, "
        f"other moves {others}, changed rows {changed}"
    )
    return named == len(trials) and not others


def _before(path: Tuple[str, ...], names: Tuple[Tuple[str, ...], Tuple[str, ...]]) -> Tuple[str, ...]:
    old, new = names
    return old + path[len(new) :] if path[: len(new)] == new else path


def simulated(args: argparse.Namespace) -> bool:
    """All trials of simulated runs."""
    random = numpy.random.default_rng(args.seed)
    good = True
    print("simulated, nothing changed")
    for noise in NOISES:
        trials = [
            sides(random, RUNS[trial % 3], SCENARIOS[trial // 3 % 3], STEPS, noise)
            for trial in range(-(-args.trials // len(NOISES)))
        ]
        good &= unchanged(f"noise {noise:g}", trials)
    print("simulated, a component 5 % slower, 7 runs a side")
    for noise in NOISES[:3]:
        slow = [
            (
                SLOWED[trial % len(SLOWED)],
                sides(random, 7, SCENARIOS[trial % 3], STEPS, noise, _slower(SLOWED[trial % len(SLOWED)])),
            )
            for trial in range(args.changed)
        ]
        share = slowed(f"noise {noise:g}", slow)
        good &= share >= 0.9 or noise > QUIET
    print("simulated, moved, 7 runs a side")
    for noise in NOISES:
        for name, names in MOVES.items():
            trials = [
                sides(random, 7, SCENARIOS[trial % 3], STEPS, noise, _renamed(names))
                for trial in range(-(-args.changed // 4))
            ]
            good &= moved(f"noise {noise:g}: {name}", trials, names)
    return good


def real(args: argparse.Namespace) -> bool:
    """All trials of real runs."""
    random = numpy.random.default_rng(args.seed)
    runs = [measure(load(file)) for file in sorted(Path(args.runs).glob("*.json"))]
    means = [sum(sum(part.total_ns) for part in run.scenarios) / run.steps / 1e6 for run in runs]
    scatter = float(numpy.std(means, ddof=1) / numpy.mean(means))
    print(f"{len(runs)} real runs, {numpy.mean(means):.1f} ms a step; runs scatter by {100 * scatter:.0f} %")

    def split(change: Callable[[RunFigures], RunFigures] = lambda run: run) -> _Sides:
        chosen = random.permutation(len(runs))[:14]
        return [runs[each] for each in chosen[:7]], [change(runs[each]) for each in chosen[7:]]

    good = unchanged("nothing changed", [split() for _ in range(40)])
    good &= unchanged(
        "nothing changed, in a row",
        [(runs[first : first + 7], runs[first + 7 : first + 14]) for first in range(len(runs) - 13)],
    )
    costs = runs[0].scenarios[0].self_ns
    component = max(costs, key=lambda name: sum(costs[name]))
    slowed(f"{component} 5 % slower", [(component, split(_slower(component))) for _ in range(40)])
    paths = runs[0].scenarios[0].paths
    leaf = max(paths, key=lambda path: paths[path].self_ns if runs[0].paths[path].names[1:] else 0)
    old = runs[0].paths[leaf].names
    names = old, (*old[:-1], "another.name")
    trials = [split(_renamed(names)) for _ in range(40)]
    return moved(f"{old[-1]} has another name", trials, names) and good


def _slower(component: str) -> Callable[[RunFigures], RunFigures]:
    return lambda run: slower(run, component, FACTOR)


def _renamed(names: Tuple[Tuple[str, ...], Tuple[str, ...]]) -> Callable[[RunFigures], RunFigures]:
    return lambda run: renamed(run, dict([names]))


def main() -> int:
    """Run all trials, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--runs", default="")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    results: List[Any] = [simulated(args)] if args.trials else []
    if args.runs:
        results.append(real(args))
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
