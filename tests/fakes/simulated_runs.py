"""Runs whose true times are known, with the noise that real ones have.

The model of a time, in ms, of one span path in one step of one scenario of one run:

    base * scenario * step * exp(noise * (machine + part + path + scenario_run + wave)) * disturbed + pause

- base: what the path takes; some work in each step, one in each tenth step, and collections of garbage in 3 %
  of the steps, at random.
- scenario, step: lognormal factors (sd 0.3 and 0.2) of the simulation; the same in all runs.
- machine: of the whole run; Student's t with 4 degrees of freedom, times 0.6 %.
- part, path, scenario_run: of the component (0.4 %), the path (0.3 %), the scenario (0.5 %) in one run;
  normal.
- wave: autocorrelated over the steps, AR(1) with a coefficient of 0.9, sd 4 %, for each component.
- drift: over all runs of a comparison the machine becomes slower or faster by a normal factor, sd 0.5 %.
- disturbed: one run in twenty is slower, by an exponential factor with a mean of 3 %.
- pause: in 0.4 % of the steps of each path, Pareto with an index of 2.2, three times its base at least.

``noise`` is 1 for a quiet machine, whose runs scatter by some 1.2 %; 3 and 10 are busier ones (drift,
disturbed and pause grow with it). The order of runs is that of ``nutrace bench``: in blocks, each with one
run of each side at random.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy

from nutrace.comparison.figures import PathCost, RunFigures, RunIdentity, ScenarioFigures, SpanPath
from nutrace.comparison.span_paths import cost_of

STEP = "simulation.step"


class Part(NamedTuple):
    """A span path: where it is, its component, and its self time in ms; in each step, or in some."""

    names: Tuple[str, ...]
    component: str
    base_ms: float
    when: str = "always"


_PLANNER = (STEP, "planner.compute")
_INPUT = (STEP, "simulation.get_planner_input", "scenario.get_tracked_objects")
_QUERY = (*_INPUT, "database.get_tracked_objects")
_PROPAGATE = (STEP, "simulation.propagate")

PROGRAM: Tuple[Part, ...] = (
    Part((STEP,), "simulation", 0.3),
    Part(_PLANNER, "planner", 3),
    Part((*_PLANNER, "planner.occupancy"), "planner", 12),
    Part((*_PLANNER, "planner.trajectory"), "planner", 6),
    Part((*_PLANNER, "map.lanes_of"), "map", 2),
    Part((*_PLANNER, "features.build"), "features", 20, "each tenth"),
    Part((*_PLANNER, "gc.collect"), "gc", 25, "at random"),
    Part(_INPUT[:2], "simulation", 0.2),
    Part(_INPUT, "scenario", 1),
    Part(_QUERY, "database", 0.5),
    Part((*_QUERY, "sqlite3.connect"), "database", 2),
    Part((*_QUERY, "sqlite3.statement"), "database", 6),
    Part(_PROPAGATE, "propagate", 0.5),
    Part((*_PROPAGATE, "controller.update"), "controller", 3),
    Part((*_PROPAGATE, "controller.update", "tracker.track"), "controller", 2),
    Part((*_PROPAGATE, "observation.update"), "observation", 14),
    Part((*_PROPAGATE, "observation.update", "observation.agents"), "observation", 8),
    Part((*_PROPAGATE, "observation.update", "map.baseline"), "map", 1),
)


@dataclass(frozen=True)
class Simulations:
    """What is simulated: the same in all runs of a comparison."""

    scenario: Any  # factors, parts x scenarios
    step: Any  # factors, scenarios x steps

    @classmethod
    def make(cls, random: Any, scenarios: int, steps: int) -> Simulations:
        """Draw the factors."""
        return cls(
            numpy.exp(random.normal(0, 0.3, (len(PROGRAM), scenarios))),
            numpy.exp(random.normal(0, 0.2, (scenarios, steps))),
        )


def sides(
    random: Any,
    runs: int,
    scenarios: int,
    steps: int,
    noise: float,
    change: Callable[[RunFigures], RunFigures] = lambda run: run,
) -> Tuple[List[RunFigures], List[RunFigures]]:
    """Two sides of `runs` runs each; `change` is made to each run of the second."""
    simulations = Simulations.make(random, scenarios, steps)
    drift = noise * random.normal(0, 0.005)
    base, new = [], []
    for block in range(runs):
        for place, side in enumerate(random.permutation([0, 1])):
            position = (2 * block + place) / (2 * runs)
            run = simulate(random, simulations, noise, drift * position, 2 * block + place)
            (base if side == 0 else new).append(run if side == 0 else change(run))
    return base, new


def simulate(random: Any, simulations: Simulations, noise: float, drift: float, number: int) -> RunFigures:
    """One run."""
    count, steps = simulations.step.shape
    parts = len(PROGRAM)
    components = sorted({part.component for part in PROGRAM})
    of = [components.index(part.component) for part in PROGRAM]
    shared = 0.006 * random.standard_t(4) + drift / noise
    run = shared + random.normal(0, 0.004, len(components))[of] + random.normal(0, 0.003, parts)
    log = (
        run[:, None, None]
        + random.normal(0, 0.005, count)[None, :, None]
        + _waves(random, components, count, steps)[of]
    )
    factor = numpy.exp(noise * log) * _disturbed(random, noise)
    base = numpy.array([part.base_ms for part in PROGRAM])[:, None, None]
    works = numpy.stack([_works(random, part, count, steps) for part in PROGRAM])
    times = base * simulations.scenario[:, :, None] * simulations.step[None] * factor * works
    paused = random.random((parts, count, steps)) < 0.004 * noise
    times += paused * works * base * 3 * (1 + random.pareto(2.2, (parts, count, steps)))
    return _figures((times * 1e6).astype("int64"), works, number)


def _waves(random: Any, components: List[str], count: int, steps: int) -> Any:
    waves = numpy.empty((len(components), count, steps))
    waves[:, :, 0] = random.normal(0, 0.04, (len(components), count))
    for step in range(1, steps):
        fresh = random.normal(0, 0.04 * (1 - 0.81) ** 0.5, (len(components), count))
        waves[:, :, step] = 0.9 * waves[:, :, step - 1] + fresh
    return waves


def _disturbed(random: Any, noise: float) -> float:
    return float(1 + noise * random.exponential(0.03)) if random.random() < 0.05 else 1.0


def _works(random: Any, part: Part, count: int, steps: int) -> Any:
    if part.when == "each tenth":
        return numpy.tile(numpy.arange(steps) % 10 == 0, (count, 1))
    if part.when == "at random":
        return random.random((count, steps)) < 0.03
    return numpy.ones((count, steps), dtype=bool)


def _figures(times: Any, works: Any, number: int) -> RunFigures:
    count, steps = times.shape[1:]
    components = sorted({part.component for part in PROGRAM})
    of = {
        name: [place for place, part in enumerate(PROGRAM) if part.component == name] for name in components
    }
    scenarios = [
        ScenarioFigures(
            name=f"{scenario:016x}",
            kind="",
            log="",
            planner="",
            outcome="finished",
            iterations=array("q", range(steps)),
            total_ns=_column(times[:, scenario].sum(axis=0)),
            self_ns={name: _column(times[places, scenario].sum(axis=0)) for name, places in of.items()},
            paths={
                place: cost_of(
                    [[1, int(time)] for time in times[place, scenario][works[place, scenario]]], steps
                )
                for place in range(len(PROGRAM))
                if works[place, scenario].any()
            },
        )
        for scenario in range(count)
    ]
    wall = float(times.sum()) / 1e9
    return RunFigures(
        identity=identity(number),
        steps=count * steps,
        counts={"steps.count": count * steps},
        times={"run.wall_s": wall},
        interval_s=0.1,
        scenarios=tuple(scenarios),
        paths=tuple(SpanPath(part.names, part.component) for part in PROGRAM),
    )


def identity(number: int) -> RunIdentity:
    """The identity of the run with that number."""
    return RunIdentity(
        file=f"run-{number}.json",
        run_id=f"{number:016x}",
        begin_ns=1_700_000_000_000_000_000 + number * 60_000_000_000,
        command="python run_simulation.py",
        host="testhost",
        machine="linux x86_64",
        interpreter="cpython 3.9.19",
        nutrace="0",
        devkit="",
        revision="",
        settings={},
        speedups={},
        load=None,
        complete=True,
        running=False,
    )


def _column(values: Any) -> array[int]:
    column = array("q")
    column.frombytes(numpy.ascontiguousarray(values, dtype="int64").tobytes())
    return column


def slower(run: RunFigures, component: str, factor: float) -> RunFigures:
    """The run with one component slower by a factor, in all its spans."""
    slow = {number for number, path in enumerate(run.paths) if path.component == component}

    def of(scenario: ScenarioFigures) -> ScenarioFigures:
        before = scenario.self_ns[component]
        after = array("q", [round(time * factor) for time in before])
        total = array("q", [time + new - old for time, new, old in zip(scenario.total_ns, after, before)])
        paths = {
            number: PathCost(cost.calls, round(cost.self_ns * factor), round(cost.usual_ns * factor))
            if number in slow
            else cost
            for number, cost in scenario.paths.items()
        }
        return replace(scenario, total_ns=total, self_ns={**scenario.self_ns, component: after}, paths=paths)

    return replace(run, scenarios=tuple(of(scenario) for scenario in run.scenarios))


def renamed(run: RunFigures, names: Dict[Tuple[str, ...], Tuple[str, ...]]) -> RunFigures:
    """The run with other names for some paths, and for what lies below them."""

    def new_names(path: SpanPath) -> SpanPath:
        for old, new in names.items():
            if path.names[: len(old)] == old:
                return replace(path, names=new + path.names[len(old) :])
        return path

    return replace(run, paths=tuple(map(new_names, run.paths)))
