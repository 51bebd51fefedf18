"""Two sides to draw as one picture, and what the picture says about them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.errors import UsageError
from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.diffmoves import mark_moved
from nutrace_exporters.difftree import BASE, NEW, SIDES, DiffTree
from nutrace_exporters.labels import counted, duration, value
from nutrace_exporters.runfacts import CORRECTION, facts, title_of, warnings

#: How many slow steps the page lists.
MOST_ADDRESSES = 50


@dataclass(frozen=True)
class Side:
    """One side: what it is called, what is known of its first run, and what its runs lack."""

    name: str
    facts: Tuple[Tuple[str, str], ...]
    warnings: Tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A call tree of two sides, the base first.

    Attributes
    ----------
    words:
        What the sides are: ``("base", "new")``, or ``("usual", "slowest")`` steps of one run.
    title:
        What was simulated.
    selection:
        The part of the runs that is compared; "" for all.
    warnings:
        Why the two may be no sides of one comparison.
    times:
        "corrected" or "raw", both if the runs differ in that; "" if nothing is known of nutrace's own time.
    """

    tree: DiffTree
    sides: Tuple[Side, Side]
    words: Tuple[str, str]
    title: str
    selection: str
    warnings: Tuple[str, ...] = ()
    times: str = ""


class DifferenceBuilder:
    """Makes a :class:`Difference` of runs that need not be in memory at once.

    Parameters
    ----------
    names:
        What the two sides are called, for example by their files.
    component:
        Compare only the spans of this component, and what is in them.
    """

    def __init__(self, names: Tuple[str, str], component: Optional[str] = None) -> None:
        self._names = names
        self._component = component
        self._tree = DiffTree()
        self._facts: Tuple[List[Tuple[str, str]], List[Tuple[str, str]]] = ([], [])
        self._warnings: Tuple[List[str], List[str]] = ([], [])
        self._seen: Dict[str, str] = {}
        self._unfinished = [0, 0]
        self._scenarios: Tuple[Set[str], Set[str]] = (set(), set())
        self._planners: Tuple[Set[str], Set[str]] = (set(), set())
        self._times: Tuple[Set[str], Set[str]] = (set(), set())
        self._title = ""
        self._selection = ""

    def add(self, side: int, trace: Trace) -> None:
        """Add a run, or a part of it, to a side.

        Raises
        ------
        UsageError
            If the run was added before, under whatever name.
        """
        for key in {os.path.realpath(trace.path), *_run_ids(trace)}:
            if key in self._seen:
                raise UsageError(
                    f"{self._seen[key]} and {trace.path} are the same run: name it once, on one side; "
                    "--slowest 5% compares steps of one run"
                )
            self._seen[key] = trace.path
        self._tree.add(side, trace, component=self._component)
        self._scenarios[side].update(filter(None, (scenario.token for scenario in trace.simulations)))
        self._planners[side].update(filter(None, (scenario.planner for scenario in trace.simulations)))
        self._add_facts(side, trace)
        self._unfinished[side] += len(trace.step_indices) - len(trace.finished_steps)

    def add_slowest(self, trace: Trace, share: float) -> None:
        """Make the slowest finished steps of a run the new side, and its other steps the base.

        Parameters
        ----------
        share:
            The part of the steps that is slow, above 0 and below 1; one step at least.

        Raises
        ------
        UsageError
            If there are not two finished steps.
        """
        slow, usual = slowest_steps(trace, share)
        if not usual:
            has = counted(len(slow), "finished step") if slow else "no finished step"
            raise UsageError(f"{trace.path} has {has} in what is selected: --slowest needs two at least")
        self._names = (counted(len(usual), "step"), counted(len(slow), "step"))
        self._add_facts(BASE, trace)
        self._times[NEW].add(trace.correction.state)
        for side, steps in ((BASE, usual), (NEW, slow)):
            self._tree.add(side, trace, component=self._component, steps=steps)
            times = [trace.busy_ns[step] for step in steps]
            self._facts[side].append(("Times", f"{duration(min(times))} to {duration(max(times))}"))
        self._facts[NEW].append(("Steps", _addresses(trace, slow)))

    def _add_facts(self, side: int, trace: Trace) -> None:
        self._times[side].add(trace.correction.state)
        if not self._facts[side]:
            # How much was taken out of the first run says nothing of a side.
            self._facts[side].extend(fact for fact in facts(trace) if fact[0] != CORRECTION)
        self._title = self._title or title_of(trace)
        self._selection = self._selection or trace.selection
        self._warnings[side].extend(warnings(trace))

    def build(self, words: Tuple[str, str] = ("base", "new")) -> Difference:
        """Sum up what was added.

        Raises
        ------
        UsageError
            If the sides cannot be compared: only one has finished steps, or they have nothing in common.
        """
        self._check()
        self._tree.sum_up()
        if words == ("base", "new"):
            mark_moved(self._tree)  # of a single run, nothing has moved
        parts = [self._selection] if self._selection else []
        if self._component:
            parts.append(f"component {self._component}")
        return Difference(
            self._tree,
            (self._side(BASE), self._side(NEW)),
            words,
            self._title,
            ", ".join(parts),
            tuple(self._doubts()),
            _told(self._times[BASE] | self._times[NEW]),
        )

    def _doubts(self) -> Iterator[str]:
        base, new = self._scenarios
        if base != new:
            yield (
                f"the sides simulate different scenarios: {len(base & new):,} on both, "
                f"{len(base - new):,} only on the base, {len(new - base):,} only on the new side"
            )
        base, new = self._planners
        if base != new:
            names = [", ".join(sorted(value(name, 60) for name in side)) or "none" for side in (base, new)]
            yield f"the sides simulate different planners: {names[0]} on the base, {names[1]} on the new side"

        if len(self._times[BASE] | self._times[NEW]) > 1:
            base_times, new_times = (" and ".join(sorted(states)) for states in self._times)
            yield (
                f"the times of the base are {base_times}, those of the new side {new_times}: what nutrace "
                "itself takes looks like a change; --raw draws all as recorded"
            )

    def _check(self) -> None:
        tree = self._tree
        for side in SIDES:
            other = NEW if side == BASE else BASE
            if not tree.steps[side] and (tree.steps[other] or self._unfinished[side]):
                raise UsageError(
                    f"{self._names[side]} has no finished step: there is nothing to compare per step"
                )
        spans = [0, 0]
        common = False
        for _, node in tree.walk():
            common = common or node.only is None
            for side in SIDES:
                spans[side] += node.spans[side]
        for side in SIDES:
            if not spans[side]:
                what = f" of component {self._component!r}" if self._component else ""
                raise UsageError(f"{self._names[side]} has no span{what}: there is nothing to compare")
        if not common:
            raise UsageError(
                f"{self._names[BASE]} and {self._names[NEW]} have no span in common: are they of one program?"
            )

    def _side(self, side: int) -> Side:
        times = _told(self._times[side])
        told = [(CORRECTION, f"times {times}")] if times else []
        return Side(self._names[side], (*self._facts[side], *told), tuple(self._warnings[side]))


def _told(states: Set[str]) -> str:
    """What is said of the times of some runs; "" if nothing is known of nutrace's own time in any."""
    return " and ".join(sorted(states)) if states - {UNCORRECTED} else ""


def slowest_steps(trace: Trace, share: float) -> Tuple[List[int], List[int]]:
    """The finished steps that take longest, `share` of all, and the others; in the order of the trace."""
    steps = trace.finished_steps
    count = max(1, round(share * len(steps)))
    slow = set(sorted(steps, key=lambda step: (-trace.busy_ns[step], step))[:count])
    return [step for step in steps if step in slow], [step for step in steps if step not in slow]


def _addresses(trace: Trace, steps: Sequence[int]) -> str:
    """Iterations of steps, by scenario if there are several."""
    names = {scenario.number: scenario.name for scenario in trace.simulations}
    by_scenario: Dict[int, List[str]] = {}
    for step in steps[:MOST_ADDRESSES]:
        iterations = by_scenario.setdefault(trace.addresses.scenario_of[step], [])
        iterations.append(str(trace.addresses.iteration_of[step]))
    parts = [
        (f"{value(names[number], 100)}: " if len(names) > 1 else "") + ", ".join(iterations)
        for number, iterations in by_scenario.items()
    ]
    more = f"; and {len(steps) - MOST_ADDRESSES:,} more" if len(steps) > MOST_ADDRESSES else ""
    return "; ".join(parts) + more


def _run_ids(trace: Trace) -> List[str]:
    ids = [resource.attributes.get(semconv.RUN_ID) for resource in trace.resources]
    return [run_id for run_id in ids if isinstance(run_id, str) and run_id]
