"""The times of two sides, run by run, and step by step where both sides simulate the same.

A step is paired with the steps of the same scenario and iteration in all other runs. How much slower a
run was in its usual steps is the median of the quotients of its steps and the usual time of each; a step
weighs what it costs, so that a component that works in each tenth step only is judged by these steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from nutrace.comparison.figures import RunFigures, ScenarioFigures
from nutrace.comparison.numeric import numeric
from nutrace.percentiles import percentile

#: If the usual times of the steps make up less of the mean than this, there is no usual step.
_REPRESENTATIVE = 0.5
_ONE_IN = 20  # without pairs, the slowest twentieth of the steps is not usual


@dataclass(frozen=True)
class Times:
    """Times of one kind, in ms, a row for each run and a column for each scenario; rows sum to the figure.

    ``usual`` is not moved by single slow steps; None where that makes no sense. Runs of the base come first.
    """

    mean: Any
    usual: Any = None


@dataclass(frozen=True)
class PathTimes:
    """A span path, with its times and its calls per step in each run."""

    names: Tuple[str, ...]
    component: str
    times: Times
    calls: Tuple[float, ...]

    @property
    def robust(self) -> Any:
        """The times that single slow steps do not move, if there are such."""
        return self.times.mean if self.times.usual is None else self.times.usual

    @property
    def cost(self) -> float:
        """The time of all runs."""
        return float(self.times.mean.sum())

    def with_times_of(self, others: Sequence[PathTimes]) -> PathTimes:
        """This path with the times of others added to its own."""
        if not others:
            return self
        every = [self, *others]
        mean = sum(each.times.mean for each in every)
        usual = sum(each.robust for each in every)
        return replace(self, times=Times(mean, usual))


class Pairing:
    """The steps that are compared.

    Attributes
    ----------
    runs:
        Those of the base, then the new ones.
    scenarios:
        Names of the scenarios that all runs have; empty if times are not paired.
    alone:
        For each side the names of the scenarios that the other does not have.
    left_out:
        Sentences on what could not be paired.
    """

    def __init__(self, base: Sequence[RunFigures], new: Sequence[RunFigures]) -> None:
        self.runs = (*base, *new)
        self._bases = len(base)
        by_run = [{scenario.name: scenario for scenario in run.scenarios} for run in self.runs]
        names = [list(dict.fromkeys(name for side in part for name in side)) for part in self._sides(by_run)]
        self.alone = tuple(
            tuple(name for name in own if name not in set(other)) for own, other in (names, names[::-1])
        )
        self.left_out: List[str] = []
        self._scenarios: Dict[str, List[ScenarioFigures]] = {}
        self._places: Dict[str, List[List[int]]] = {}
        for name in names[0] if self.runs else ():
            self._pair(name, [scenarios.get(name) for scenarios in by_run])
        self.scenarios = tuple(self._scenarios)
        self.steps = sum(len(places[0]) for places in self._places.values())

    def _sides(self, items: Sequence[Any]) -> Tuple[Sequence[Any], Sequence[Any]]:
        return items[: self._bases], items[self._bases :]

    def _pair(self, name: str, found: Sequence[Optional[ScenarioFigures]]) -> None:
        same = [scenario for scenario in found if scenario is not None]
        if len(same) < len(self.runs):
            if name not in self.alone[0]:
                self.left_out.append(f"scenario {name} is missing in {len(self.runs) - len(same)} runs")
            return
        if len({(scenario.kind, scenario.log, scenario.planner) for scenario in same}) > 1:
            self.left_out.append(f"scenario {name} has another planner, log or type in some runs")
            return
        common = set(same[0].iterations).intersection(*(scenario.iterations for scenario in same[1:]))
        places = []
        for scenario in same:
            where = {iteration: place for place, iteration in enumerate(scenario.iterations)}
            places.append([where[iteration] for iteration in sorted(common)])
        timed = [
            all(scenario.total_ns[own[step]] > 0 for scenario, own in zip(same, places))
            for step in range(len(common))
        ]
        places = [[place for place, keep in zip(own, timed) if keep] for own in places]
        if len(places[0]) < max(len(scenario.iterations) for scenario in same):
            self.left_out.append(f"scenario {name} has steps that not all runs have")
        if places[0]:
            self._scenarios[name] = same
            self._places[name] = places

    def components(self) -> List[str]:
        """All components that any run has in its steps."""
        return sorted({name for run in self.runs for scenario in run.scenarios for name in scenario.self_ns})

    def steps_of(self, component: Optional[str]) -> Times:
        """The times of the steps, or the self times of a component in them, in ms per step."""
        numpy, _ = numeric()
        if not self.scenarios:
            return self._unpaired(component)
        means, usuals = [], []
        for table in self._tables(component):
            means.append(table.sum(axis=1))
            usuals.append(self._usual(table))
        mean = numpy.stack(means, axis=1) / self.steps
        usual = numpy.stack(usuals, axis=1) / self.steps
        if usual.sum() < _REPRESENTATIVE * mean.sum():
            return Times(mean)
        return Times(mean, usual)

    def percentile(self, percent: int) -> Times:
        """A percentile of the steps' times, in ms."""
        numpy, _ = numeric()
        values = []
        for number, run in enumerate(self.runs):
            times: List[int] = []
            if self.scenarios:
                for name in self.scenarios:
                    scenario = self._scenarios[name][number]
                    times += [scenario.total_ns[place] for place in self._places[name][number]]
            else:
                for scenario in run.scenarios:
                    times += scenario.total_ns
            values.append([percentile(times, percent) / 1e6])
        return Times(numpy.array(values, dtype=float))

    def _path_calls(self, numbers: Sequence[Optional[int]]) -> Tuple[float, ...]:
        """For each run the calls of a span path for each step, or in the run without steps."""
        calls = []
        for order, (run, number) in enumerate(zip(self.runs, numbers)):
            if number is None:
                calls.append(0.0)
            elif not run.steps:
                calls.append(float(run.path_costs[number].calls))
            else:
                chosen = [self._scenarios[name][order] for name in self.scenarios] or list(run.scenarios)
                costs = [scenario.paths[number].calls for scenario in chosen if number in scenario.paths]
                calls.append(sum(costs) / max(sum(len(scenario.iterations) for scenario in chosen), 1))
        return tuple(calls)

    def path(self, names: Tuple[str, ...], component: str, numbers: Sequence[Optional[int]]) -> PathTimes:
        """A span path.

        Parameters
        ----------
        names, component:
            The path.
        numbers:
            For each run the path's number in it, None if it does not have it.
        """
        return PathTimes(names, component, self._path_times(numbers), self._path_calls(numbers))

    def _path_times(self, numbers: Sequence[Optional[int]]) -> Times:
        """The self times of a span path, in ms per step, or of the run without steps."""
        numpy, _ = numeric()
        means, usuals = [], []
        for order, (run, number) in enumerate(zip(self.runs, numbers)):
            if not run.steps:
                cost = None if number is None else run.path_costs.get(number)
                means.append([0.0 if cost is None else cost.self_ns / 1e6])
                usuals.append(means[-1])
                continue
            chosen = [self._scenarios[name][order] for name in self.scenarios] or list(run.scenarios)
            costs = [None if number is None else scenario.paths.get(number) for scenario in chosen]
            steps = max(sum(len(scenario.iterations) for scenario in chosen), 1)
            mean = [0.0 if cost is None else cost.self_ns / 1e6 / steps for cost in costs]
            usual = [0.0 if cost is None else cost.usual_ns / 1e6 / steps for cost in costs]
            means.append(mean if self.scenarios else [sum(mean)])
            usuals.append(usual if self.scenarios else [sum(usual)])
        table, robust = numpy.array(means, dtype=float), numpy.array(usuals, dtype=float)
        return Times(table, robust if robust.sum() >= _REPRESENTATIVE * table.sum() else None)

    def _tables(self, component: Optional[str]) -> Any:
        """For each scenario a table of times in ms: a row for each run, a column for each step."""
        numpy, _ = numeric()
        for name in self.scenarios:
            rows = []
            for scenario, places in zip(self._scenarios[name], self._places[name]):
                column = scenario.total_ns if component is None else scenario.self_ns.get(component)
                rows.append([0] * len(places) if column is None else [column[place] for place in places])
            yield numpy.array(rows, dtype=float) / 1e6

    def _usual(self, table: Any) -> Any:
        """What the steps of each run take, if all were as much slower as its usual step."""
        numpy, _ = numeric()
        middle = sum(numpy.median(side, axis=0) for side in self._sides(table)) / 2
        used = middle > 0
        if not used.any():
            return numpy.zeros(len(table))
        weights = middle[used]
        quotients = table[:, used] / weights
        order = numpy.argsort(quotients, axis=1, kind="stable")
        heavy = numpy.cumsum(weights[order], axis=1)
        half = (heavy < heavy[:, -1:] / 2).sum(axis=1)
        return quotients[numpy.arange(len(table)), order[numpy.arange(len(table)), half]] * weights.sum()

    def _unpaired(self, component: Optional[str]) -> Times:
        numpy, _ = numeric()
        means, usuals = [], []
        for run in self.runs:
            times: List[int] = []
            for scenario in run.scenarios:
                column = scenario.total_ns if component is None else scenario.self_ns.get(component, ())
                times += column
            steps = max(run.steps, 1)
            means.append([sum(times) / 1e6 / steps])
            usual = sorted(times)[: len(times) - steps // _ONE_IN]
            usuals.append([sum(usual) / 1e6 / steps])
        mean, robust = numpy.array(means, dtype=float), numpy.array(usuals, dtype=float)
        return Times(mean, robust if robust.sum() >= _REPRESENTATIVE * mean.sum() else None)
