"""Trace the real devkit: the trace agrees with independent counts, and the results do not change.

Each set-up runs three times: untraced, traced, and under :mod:`devkit_truth`, which counts with cProfile and
with SQLite's own hooks.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from devkit import MARKS, SETUPS, STEPS, devkit_environment, run_python, simulate

import nutrace
from nutrace import semconv
from nutrace.analysis import report
from nutrace.analysis.database import database
from nutrace.analysis.traced_functions import traced_functions
from nutrace.probes.catalogue import at_level, built_in
from nutrace.trace import Diagnostics

pytestmark = [*MARKS, pytest.mark.timeout(900)]

_HERE = Path(__file__).parent
_LIGHTS = 23  # per frame of the synthetic log
_LIGHTS_SPAN = "scenario.get_traffic_light_status_at_iteration"
_LIGHTS_QUERY = "get_traffic_light_status_for_lidarpc_token_from_db"
_PROPAGATE = "nuplan.planning.simulation.simulation:Simulation.propagate"

# The components of SimplePlanner and IDM simulations, which have neither features nor a model.
_COMPONENTS = {
    *("simulation", "planner", "propagate", "observation", "controller", "history", "scenario"),
    *("database", "map", "callback", "metrics", "serialization", "config", "worker"),
    "deepcopy",
    "gc",
}


@dataclass
class Runs:
    """The three runs of one set-up."""

    setup: str
    stdout: Dict[str, str]  # by run: plain, traced, truth
    stderr: Dict[str, str]
    outputs: Dict[str, Any]  # of devkit_outputs, by run: plain and traced
    trace: nutrace.Trace
    truth: Any  # of devkit_truth

    @property
    def propagated(self) -> int:
        """How often ``Simulation.propagate`` ran, by cProfile's count."""
        (where,) = (where for target, where, own in self.truth["methods"] if target == _PROPAGATE and own)
        return int(self.truth["calls"][where])

    def named(self, name: str) -> List[int]:
        """The spans with a name."""
        return [span for span in range(len(self.trace)) if self.trace.name[span] == name]


@pytest.fixture(scope="module", params=sorted(SETUPS))
def runs(request: pytest.FixtureRequest, devkit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    setup: str = request.param
    top = tmp_path_factory.mktemp(setup)
    run_file, truth = top / "trace" / "run.json", top / "truth.json"
    run_file.parent.mkdir()

    def run(kind: str) -> Any:
        more = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(run_file)} if kind == "traced" else {}
        runner = [str(_HERE / "devkit_truth.py"), str(truth)] if kind == "truth" else []
        done = simulate(devkit_data, top / kind, setup, runner=runner, **more)
        assert done.returncode == 0, done.stderr[-2000:]
        if kind == "truth":
            return done, None
        read = run_python([str(_HERE / "devkit_outputs.py"), str(top / kind)], devkit_environment())
        assert read.returncode == 0, read.stderr[-2000:]
        return done, json.loads(read.stdout)

    kinds = ("truth", "plain", "traced")  # the longest first
    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(kinds, pool.map(run, kinds)))
    assert [file.name for file in run_file.parent.iterdir()] == [run_file.name]
    return Runs(
        setup,
        stdout={kind: process.stdout for kind, (process, _) in done.items()},
        stderr={kind: process.stderr for kind, (process, _) in done.items()},
        outputs={kind: outputs for kind, (_, outputs) in done.items()},
        trace=nutrace.load(run_file),
        truth=json.loads(truth.read_text(encoding="utf-8")),
    )


def test_as_many_steps_as_propagate_ran(runs: Runs) -> None:
    steps = runs.trace.step_indices
    (simulated,) = runs.outputs["plain"]["simulations"]
    assert len(steps) == runs.propagated == len(simulated["iteration"]) == STEPS
    indexes = [runs.trace.attributes(step)[semconv.STEP_INDEX] for step in steps]
    assert indexes == list(range(runs.propagated))
    for step in steps:
        inside = [runs.trace.name[span] for span in range(step, runs.trace.subtree_end[step])]
        assert inside.count("simulation.propagate") == inside.count("planner.compute") == 1


def test_every_component_that_ran_is_there(runs: Runs) -> None:
    assert set(runs.trace.component) == _COMPONENTS
    costs = report(runs.trace)
    assert sum(cost.self_ns for cost in costs.components) == costs.steps.total_ns


def test_every_probed_method_that_ran_has_spans(runs: Runs) -> None:
    traced = {where for where, _ in _located(runs.trace)}
    family: Dict[str, List[str]] = {}
    own: Dict[str, List[str]] = {}
    for target, where, is_own in runs.truth["methods"]:
        family.setdefault(target, []).append(where)
        if is_own:
            own.setdefault(target, []).append(where)
    empty = set(runs.truth["empty"])
    named = {(runs.trace.name[span], where) for where, span in _located(runs.trace)}
    ran = idle = passed = 0
    for probe in at_level(built_in(), "normal"):
        method = probe.qualname.rpartition(".")[2]
        left_out = {where for kind in probe.without for where in own.get(f"{kind}.{method}", ())}
        for where in (family if probe.subclasses else own).get(probe.target, ()):
            if where in left_out:
                assert (probe.span_name, where) not in named
                passed += 1
                continue
            if probe.subclasses and where in empty:
                assert where not in traced, f"{probe.target} does nothing at {where} and has a span"
                idle += 1
            else:
                assert where in traced, f"{probe.target} ran at {where} and has no span"
                ran += 1
    assert ran > 30
    assert idle > 3
    assert passed == 4  # MultiCallback's step events


def test_nothing_is_lost(runs: Runs) -> None:
    assert runs.trace.diagnostics == Diagnostics()
    (resource,) = runs.trace.resources
    assert resource.attributes[semconv.SPANS_RECORDED] == sum(runs.trace.calls)
    assert "nutrace: wrote" in runs.stderr["traced"]
    assert "nutrace" not in runs.stderr["plain"] + runs.stdout["traced"]


def test_run_span_says_what_was_simulated(runs: Runs) -> None:
    (span,) = runs.named(semconv.RUN_SPAN)
    (simulated,) = runs.outputs["plain"]["simulations"]
    noted = runs.trace.attributes(span)
    names = (semconv.SCENARIO_TOKEN, semconv.SCENARIO_LOG, semconv.SCENARIO_TYPE, semconv.PLANNER_NAME)
    assert [noted[name] for name in names] == [*simulated["scenario"], simulated["planner"][0]]


def test_simulation_is_the_same(runs: Runs) -> None:
    (plain,) = runs.outputs["plain"]["simulations"]
    (traced,) = runs.outputs["traced"]["simulations"]
    assert plain.keys() == traced.keys()
    for part, values in plain.items():
        assert len(values) == len(traced[part])
        different = [index for index, value in enumerate(values) if value != traced[part][index]]
        assert not different, f"{part} of {len(different)} samples, the first is {different[0]}"


def test_metrics_are_the_same(runs: Runs) -> None:
    plain, traced = runs.outputs["plain"], runs.outputs["traced"]
    assert len(plain["metrics"]) > 4
    assert len(plain["scores"]) == 1
    assert plain["metrics"].keys() == traced["metrics"].keys()
    for name, columns in plain["metrics"].items():
        assert columns == traced["metrics"][name], name
    assert plain["scores"] == traced["scores"]


def test_program_prints_the_same(runs: Runs) -> None:
    printed = {kind: re.sub(rf"\d+|\b{kind}\b", "#", runs.stdout[kind]).splitlines() for kind in runs.stdout}
    assert printed["plain"] == printed["traced"]
    assert len(printed["plain"]) > 10


def test_calls_are_what_cprofile_counts(runs: Runs) -> None:
    """cProfile counts a generator's resumptions: one for each row, and one that ends it."""
    calls: Counter[str] = Counter()
    resumed: Counter[str] = Counter()
    for where, span in _located(runs.trace):
        name = runs.trace.name[span]
        # A step is not a function. cProfile does not see the calls of load_vector_layer that the devkit's
        # lru_cache answers.
        if name not in (semconv.STEP_SPAN, "map.load_layer"):
            calls[where] += runs.trace.calls[span]
            resumed[where] += runs.trace.yielded[span]
    assert len(calls) > 50
    for where, count in calls.items():
        # A function that returns another function's generator is called, and never resumed.
        assert runs.truth["calls"][where] in (count + resumed[where], count), where


def test_generators_that_a_call_gives_are_counted_at_their_own_function(runs: Runs) -> None:
    """cProfile counts 7,200 calls of the traffic light query, which has no probe at this level."""
    given = [function for function in traced_functions(runs.trace) if function.given]
    for function in given:
        entered = runs.truth["calls"][f"{function.file}:{function.line}"]
        assert function.calls + function.yielded == entered, function
    (lights,) = (function for function in given if function.name == _LIGHTS_QUERY)
    assert lights.calls == runs.truth["statements"][_LIGHTS_QUERY]
    assert lights.yielded == runs.truth["rows"][_LIGHTS_QUERY]


def test_statements_and_rows_are_what_sqlite_counts(runs: Runs) -> None:
    calls: Counter[str] = Counter()
    yielded: Counter[str] = Counter()
    for span in range(len(runs.trace)):
        calls[runs.trace.name[span]] += runs.trace.calls[span]
        yielded[runs.trace.name[span]] += runs.trace.yielded[span]
    assert sum(runs.truth["statements"].values()) > 400
    probed = {probe.span_name for probe in at_level(built_in(), "normal")}
    seen = 0
    for function, count in runs.truth["statements"].items():
        name = f"database.{function}"
        if name in probed:
            seen += 1
            assert calls[name] == count, function
            assert yielded[name] in (runs.truth["rows"].get(function, 0), 0), function
    assert seen > 4
    assert calls[_LIGHTS_SPAN] == runs.truth["statements"][_LIGHTS_QUERY]
    assert yielded[_LIGHTS_SPAN] == runs.truth["rows"][_LIGHTS_QUERY] > 400


def test_the_database_is_what_sqlite_counts(runs: Runs) -> None:
    queried, truth = database(runs.trace), runs.truth
    executions = sum(truth["statements"].values())
    assert queried.all.count == executions
    assert queried.all.rows == sum(truth["rows"].values())
    assert sum(statement.distinct for statement in queried.statements) == truth["distinct"]
    assert queried.repeated == executions - truth["distinct"] > 150
    connections = queried.connections
    assert (connections.opened, connections.peak_open) == (truth["connections"], truth["open"])
    assert connections.closed == connections.opened
    assert queried.loops == ()
    # Each query of a step opens its own connection, and nothing is committed.
    assert connections.opened_in_steps == queried.in_steps.count
    assert queried.transactions.commits == 0
    lights = [statement for statement in queried.statements if "traffic_light_status" in statement.text]
    per_step = {"simple": 2, "idm": 3}[runs.setup]
    assert sum(statement.in_steps.count for statement in lights) == pytest.approx(
        per_step * queried.steps, abs=per_step
    )
    assert sum(statement.in_steps.rows for statement in lights) == _LIGHTS * sum(
        statement.in_steps.count for statement in lights
    )


def test_traffic_lights_are_queried_twice_a_step(runs: Runs) -> None:
    """Not 48 times, which is how often the query's generator is resumed."""
    trace = runs.trace
    for span in runs.named(_LIGHTS_SPAN):
        assert trace.yielded[span] == _LIGHTS * trace.calls[span]
    if runs.setup != "simple":
        return  # reactive agents query traffic lights as well
    for step in trace.step_indices:
        inside = [span for span in range(step, trace.subtree_end[step]) if trace.name[span] == _LIGHTS_SPAN]
        assert sum(trace.calls[span] for span in inside) == 2


def _located(trace: nutrace.Trace) -> Iterator[tuple[str, int]]:
    """Every span of a function, and where the function is defined: ``file:line``."""
    for span in range(len(trace)):
        attributes = trace.attributes(span)
        # The spans of copies and statements have the place of their caller.
        of_caller = trace.component[span] == "deepcopy" or semconv.DB_SYSTEM in attributes
        if "code.file.path" in attributes and not of_caller:
            yield f"{attributes['code.file.path']}:{attributes['code.line.number']}", span
