"""The miniature's probes: each has a target, and a trace agrees with what the miniature did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

import pytest

import nutrace
from nutrace import semconv
from nutrace.demo.probes import PROBES
from nutrace.probes.catalogue import built_in
from nutrace.probes.catalogue.check import check
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import Trace

STEPS = 15
# Prefixes of the spans whose names differ from the devkit's.
OWN_NAMES = ("database.", "map.", "planner.solve_policy", "config.group")


def environment(**more: Optional[str]) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    root = str(Path(nutrace.__file__).parent.parent)
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environ.get("PYTHONPATH"))))
    return {**environ, **{name: value for name, value in more.items() if value is not None}}


def run(tmp_path: Path, environ: dict[str, str], steps: int = STEPS) -> subprocess.CompletedProcess[str]:
    log = tmp_path / "log.db"
    if not log.exists():
        write_log(str(log), LogSpec(seconds=27, agents=20, traffic_lights=23))
    command = [sys.executable, "-m", "nutrace.demo", str(log), str(tmp_path / "out")]
    return subprocess.run(
        [*command, f"scenario.frames={steps + 1}"], env=environ, capture_output=True, text=True, cwd=tmp_path
    )


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    directory = tmp_path_factory.mktemp("traced")
    file = directory / "run.json"
    done = run(directory, environment(NUTRACE="1", NUTRACE_OUTPUT=str(file)))
    assert done.returncode == 0, done.stderr
    return nutrace.load(str(file))


def spans(trace: Trace, name: str) -> List[int]:
    return [i for i in range(len(trace)) if trace.name[i] == name]


def test_every_target_is_there() -> None:
    assert [finding.missing for finding in check(PROBES) if finding.missing] == []


def test_targets_are_not_listed_twice() -> None:
    targets = [probe.target for probe in PROBES]
    assert len(set(targets)) == len(targets)


def test_spans_are_called_as_the_devkits_are() -> None:
    catalogue = {(probe.span_name, probe.component) for probe in built_in()}
    for probe in PROBES:
        if not probe.span_name.startswith(OWN_NAMES):
            assert (probe.span_name, probe.component) in catalogue, probe.span_name


def test_steps_are_those_of_the_simulation(trace: Trace) -> None:
    steps = [trace.attributes(step) for step in trace.step_indices]
    assert [step[semconv.STEP_INDEX] for step in steps] == list(range(STEPS))
    assert {step[semconv.STEP_INTERVAL_S] for step in steps} == {0.1}


def test_run_span_says_what_was_simulated(trace: Trace) -> None:
    (span,) = spans(trace, semconv.RUN_SPAN)
    attributes = trace.attributes(span)
    assert attributes[semconv.PLANNER_NAME] == "IDMPlanner"
    assert attributes[semconv.SCENARIO_TYPE] == "following_lane_with_lead"
    assert len(attributes[semconv.SCENARIO_TOKEN]) == 16
    assert "synthetic" in attributes[semconv.SCENARIO_LOG]


def test_traffic_lights_are_two_calls_a_step_with_23_yields_each(trace: Trace) -> None:
    for step in trace.step_indices:
        inside = range(step, trace.subtree_end[step])
        queries = [i for i in inside if trace.name[i] == "database.get_traffic_light_status"]
        assert sum(trace.calls[i] for i in queries) == 2
        assert sum(trace.yielded[i] for i in queries) == 46


def test_every_component_of_the_miniature_is_seen(trace: Trace) -> None:
    seen = {trace.component[i] for i in range(len(trace))}
    assert seen >= {
        "simulation",
        "planner",
        "propagate",
        "observation",
        "controller",
        "history",
        "scenario",
        "database",
        "map",
        "callback",
        "metrics",
        "serialization",
        "config",
        "worker",
    }


def test_run_file_lists_the_miniatures_probes(trace: Trace) -> None:
    listed = trace.resources[0].attributes[semconv.PROBES]
    assert {probe.target for probe in PROBES if probe.level != "fine"} <= set(listed)


def test_untraced_it_writes_no_run_file_and_the_same_results(trace: Trace, tmp_path: Path) -> None:
    done = run(tmp_path, environment())
    assert done.returncode == 0, done.stderr
    assert "nutrace:" not in done.stderr
    traced = Path(trace.path).parent
    assert not list(tmp_path.glob("run*.json*"))
    (metrics,) = (tmp_path / "out" / "metrics").iterdir()
    assert metrics.read_bytes() == (traced / "out" / "metrics" / metrics.name).read_bytes()


def test_without_arguments_it_says_how(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nutrace.demo"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
