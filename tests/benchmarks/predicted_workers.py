"""Compare what the model of workers predicts with what runs of the real devkit take.

    python tests/benchmarks/predicted_workers.py [--keep FOLDER]
    python tests/benchmarks/predicted_workers.py --from NAME=FILE...

The same twelve scenarios are simulated by Ray with one worker and with two, by a pool of one thread and of
two, and one after the other. From each run the model predicts those of the same kind, and the sequential one:
the time in which scenarios are simulated, and the whole run. The driver's own work and Ray's start are not
predicted but measured, and differ from run to run.

Other programs make all of it slower. The last column has that taken out, by what processors gave the
scenarios in each run (the time in scenarios by the processor time of their threads). Of threads it cannot be
told, as they wait for each other as well.

Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py; some ten minutes on a quiet machine of two
processors. The exit code is 1 if a prediction is farther than 15 % from what was measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Dict, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from devkit import simulate, synthesize

import nutrace
from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.evaluation.lanes import SEQUENTIAL, THREADS, Lanes, lanes_of
from nutrace.analysis.evaluation.model import Model
from nutrace.analysis.evaluation.pieces import Doing

LIMIT = 0.15
SCENARIOS = (
    "scenario_filter.scenario_types=[low_magnitude_speed,medium_magnitude_speed,high_magnitude_speed,"
    "following_lane_with_lead,on_traffic_light_intersection]",
    "scenario_filter.num_scenarios_per_type=8",
    "scenario_filter.limit_total_scenarios=12",
)
RUNS = {
    "ray1": ("worker=ray_distributed", "worker.threads_per_node=1"),
    "ray2": ("worker=ray_distributed", "worker.threads_per_node=2"),
    "threads1": ("worker=single_machine_thread_pool", "worker.max_workers=1"),
    "threads2": ("worker=single_machine_thread_pool", "worker.max_workers=2"),
    "sequential": ("worker=sequential",),
}


class Run(NamedTuple):
    """A run; `slowness` is the time in scenarios by the processor time of their threads."""

    lanes: Lanes
    model: Model
    slowness: float


def main() -> int:
    """Make the runs, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="make the runs in this folder, and leave them there")
    parser.add_argument("--from", dest="files", nargs="+", metavar="NAME=FILE", help="compare these runs")
    arguments = parser.parse_args()
    if arguments.files:
        pairs = (each.partition("=") for each in arguments.files)
        return _compare({name: _run(Path(file)) for name, _, file in pairs})
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        synthesize(folder / "data", "--seconds", "80")
        return _compare({name: _simulate(folder, name) for name in RUNS})


def _simulate(folder: Path, name: str) -> Run:
    file = folder / name / "run.json"
    file.parent.mkdir()
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(file), "RAY_worker_register_timeout_seconds": "900"}
    words = (*SCENARIOS, *RUNS[name])
    done = simulate(folder / "data", folder / name, "simple", words=words, **variables)
    assert done.returncode == 0, done.stderr[-2000:]
    return _run(file)


def _run(file: Path) -> Run:
    trace = nutrace.load(file)
    lanes = lanes_of(trace)
    assert lanes is not None, f"{file} has no scenarios"
    spent = 0
    for scenario in trace.simulations:
        says = {} if scenario.span is None else trace.attributes(scenario.span)
        spent += number(says, semconv.CPU_THREAD) - number(says, semconv.CPU_THREAD_START)
    busy = sum(lane.spent_ns(Doing.BUSY) for lane in lanes.workers)
    return Run(lanes, Model(trace, lanes), busy / max(spent, 1))


def _compare(runs: Dict[str, Run]) -> int:
    worst = 0.0
    print("from        for         scenarios s     apart    the run s       apart    apart without load")
    for source, one in runs.items():
        for target, other in runs.items():
            alike = one.lanes.kind == other.lanes.kind
            if source == target or not (alike or other.lanes.kind == SEQUENTIAL):
                continue
            took = one.model.predict(other.model.workers).ns
            simulating = took - one.lanes.serial_ns
            without_load = simulating * other.slowness / one.slowness
            apart = [
                simulating / other.lanes.rounds_ns - 1,
                took / other.lanes.wall_ns - 1,
                without_load / other.lanes.rounds_ns - 1,
            ]
            loaded = f"{apart[2]:+6.0%}"
            if THREADS in (one.lanes.kind, other.lanes.kind):
                loaded = "     -"
            if alike:
                worst = max(worst, abs(apart[0]))
            print(
                f"{source:12s}{target:12s}{simulating / 1e9:6.1f} / {other.lanes.rounds_ns / 1e9:5.1f}"
                f"  {apart[0]:+6.0%}    {took / 1e9:5.1f} / {other.lanes.wall_ns / 1e9:5.1f}"
                f"  {apart[1]:+6.0%}    {loaded}"
            )
    return int(worst > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
