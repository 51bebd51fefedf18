"""The times of two sides, run by run, and step by step where both sides simulate the same.

A step is paired with the steps of the same scenario and iteration in all other runs. How much slower a run
was in its usual steps is the median over the steps, each compared with itself in the other runs
(:func:`nutrace.comparison.times.usual_times`); a step weighs what it costs, so that a component that works in
every tenth step only is judged by these steps. Without pairs, the slowest twentieth of the steps is left out.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.comparison.figures import RunFigures, ScenarioFigures
from nutrace.comparison.numeric import numeric
from nutrace.comparison.times import PathTimes, Times, usual_times, without_slowest
from nutrace.percentiles import percentile

_SHOWN = 3


class _Paired(NamedTuple):
    """A scenario in all runs, and where in each of them the common steps are."""

    runs: Sequence[ScenarioFigures]
    places: Sequence[Any]


class Pairing:
    """The steps that are compared.

    Attributes
    ----------
    runs:
        Those of the base, then the new ones.
    scenarios:
        Those that all runs have, by name; empty if times are not paired.
    steps:
        Number of the steps that are paired.
    alone:
        For each side, the names of the scenarios that the other does not have.
    """

    def __init__(self, base: Sequence[RunFigures], new: Sequence[RunFigures]) -> None:
        self.runs = (*base, *new)
        self._bases = len(base)
        by_run = [{scenario.name: scenario for scenario in run.scenarios} for run in self.runs]
        sides = by_run[: len(base)], by_run[len(base) :]
        names = [list(dict.fromkeys(name for run in side for name in run)) for side in sides]
        self.alone = tuple(
            tuple(name for name in own if name not in other)
            for own, other in ((names[0], set(names[1])), (names[1], set(names[0])))
        )
        self._reasons: Dict[str, List[str]] = {}
        self.scenarios: Dict[str, _Paired] = {}
        for name in names[0]:
            if name not in self.alone[0]:
                self._pair(name, [run[name] for run in by_run if name in run])
        self.steps = sum(len(paired.places[0]) for paired in self.scenarios.values())

    @property
    def left_out(self) -> List[str]:
        """Sentences on what could not be paired."""
        sentences = []
        for reason, names in self._reasons.items():
            more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            sentences.append(f"{reason}: {', '.join(names[:_SHOWN])}{more}")
        return sentences

    def _pair(self, name: str, runs: Sequence[ScenarioFigures]) -> None:
        numpy, _ = numeric()

        def note(reason: str) -> None:
            self._reasons.setdefault(reason, []).append(name)

        if len(runs) < len(self.runs):
            return note("not paired, as not all runs have them")
        if len({(run.kind, run.log, run.planner) for run in runs}) > 1:
            return note("not paired, as planner, log or type differ")
        common = numpy.array(runs[0].iterations)
        for run in runs[1:]:
            common = numpy.intersect1d(common, run.iterations)
        places = []
        for run in runs:
            order = numpy.argsort(run.iterations, kind="stable")
            places.append(order[numpy.searchsorted(numpy.array(run.iterations)[order], common)])
        timed = numpy.ones(len(common), dtype=bool)
        for run, own in zip(runs, places):
            timed &= numpy.array(run.total_ns)[own] > 0
        if not timed.any():
            return note("not paired, as they have no step in common")
        if timed.sum() < max(len(run.iterations) for run in runs):
            note("paired in part, as not all runs have all steps")
        self.scenarios[name] = _Paired(runs, [own[timed] for own in places])
        return None

    def components(self) -> List[str]:
        """All components that any run has in its steps."""
        return sorted({name for run in self.runs for scenario in run.scenarios for name in scenario.self_ns})

    def steps_of(self, component: Optional[str] = None) -> Times:
        """The times of the steps, or the self times of a component in them, in ms per step."""
        numpy, _ = numeric()
        if not self.scenarios:
            return self._unpaired(component)
        tables = list(self._tables(component))
        sums = [table.sum(axis=1) for table in tables]
        usuals = [usual_times(table, self._bases) for table in tables]
        mean, usual = (numpy.stack(each, axis=1) / self.steps for each in (sums, usuals))
        return Times.of(mean, usual, self._bases)

    def _tables(self, component: Optional[str]) -> Iterator[Any]:
        """For each scenario a table of times in ms: a row for each run, a column for each step."""
        numpy, _ = numeric()
        for runs, places in self.scenarios.values():
            table = numpy.zeros((len(runs), len(places[0])))
            for row, (run, own) in enumerate(zip(runs, places)):
                column = run.total_ns if component is None else run.self_ns.get(component)
                if column is not None:
                    table[row] = numpy.array(column)[own]
            yield table / 1e6

    def _unpaired(self, component: Optional[str]) -> Times:
        means, usuals = [], []
        for run in self.runs:
            times: List[int] = []
            for scenario in run.scenarios:
                times += scenario.total_ns if component is None else scenario.self_ns.get(component, ())
            steps = max(run.steps, 1)
            means.append([sum(times) / 1e6 / steps])
            usuals.append([without_slowest(times, steps) / 1e6 / steps])
        return Times.of(means, usuals, self._bases)

    def percentile(self, percent: int) -> Times:
        """A percentile of the steps' times, in ms."""
        numpy, _ = numeric()
        if self.scenarios:
            every: Any = numpy.concatenate(list(self._tables(None)), axis=1)
        else:
            every = [
                [time / 1e6 for scenario in run.scenarios for time in scenario.total_ns] for run in self.runs
            ]
        return Times.of_runs(
            [percentile((round(time * 1e6) for time in row), percent) / 1e6 for row in every]
        )

    def path(self, names: Tuple[str, ...], component: str, numbers: Sequence[Optional[int]]) -> PathTimes:
        """A span path, with times in ms per step; in a run without steps, of the run.

        Parameters
        ----------
        names, component:
            The path.
        numbers:
            For each run the path's number in it, None if it does not have it.
        """
        means, usuals, calls = [], [], []
        for order, (run, number) in enumerate(zip(self.runs, numbers)):
            if run.steps:
                chosen = [paired.runs[order] for paired in self.scenarios.values()] or list(run.scenarios)
                costs = [None if number is None else scenario.paths.get(number) for scenario in chosen]
                steps = sum(len(scenario.iterations) for scenario in chosen)
            else:
                costs, steps = [None if number is None else run.path_costs.get(number)], 1
            mean = [0.0 if cost is None else cost.self_ns / 1e6 / steps for cost in costs]
            usual = [0.0 if cost is None else cost.usual_ns / 1e6 / steps for cost in costs]
            means.append(mean if self.scenarios else [sum(mean)])
            usuals.append(usual if self.scenarios else [sum(usual)])
            calls.append(sum(cost.calls for cost in costs if cost is not None) / steps)
        return PathTimes(names, component, Times.of(means, usuals, self._bases), tuple(calls))
