"""``nutrace workers run.json``: what each worker did, and what more or fewer workers would take."""

from __future__ import annotations

import argparse
from typing import Any, Dict, List, Optional

from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import Lanes, lanes_of
from nutrace.analysis.evaluation.makespan import Makespan, makespan_of
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.analysis.evaluation.worker_memory import WorkerMemory, worker_memory
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import ANALYSING, add_json, add_limit, add_run_file, analysing, load_run, say
from nutrace.cli.report_style import style_of_output
from nutrace.cli.workers_text import MODEL, as_text
from nutrace.trace import Trace


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "What the workers of an evaluation did from its start to its end: start-up, scenarios, waiting, "
        "idle; what the driver did by itself; how long the run would take with more or fewer workers; and "
        "how many of them fit into memory."
    )
    parser.epilog = MODEL
    add_run_file(parser)
    add_limit(parser, "workers")
    add_json(parser, ": all workers")


def run(args: argparse.Namespace) -> int:
    """Print the answer; return the exit code."""
    with analysing(0.2) as shown:
        trace = load_run(args.file, shown=shown)
        say(shown, ANALYSING)
        lanes = lanes_of(trace)
        memory = worker_memory(trace)
        fits = [] if memory is None or memory.machine_gb is None else [memory.fit(memory.machine_gb)]
        # With more of them some would have no work.
        fits = [min(each, len(trace.simulations)) for each in fits]
        span = None if lanes is None else makespan_of(trace, lanes, fits)
    if args.json:
        print_json({**_as_json(trace, lanes, span, memory), **run_state(trace)})
    else:
        print(as_text(trace, args.file, lanes, span, memory, args.limit, style_of_output()))
    return 0


def _as_json(
    trace: Trace, lanes: Optional[Lanes], span: Optional[Makespan], memory: Optional[WorkerMemory]
) -> Dict[str, Any]:
    return {
        "workers": [] if lanes is None else [_lane(trace, lane, lanes) for lane in lanes.workers],
        "driver": None if lanes is None else _driver(lanes),
        "makespan": None if span is None else _makespan(span),
        "memory": None if memory is None else _memory(memory),
    }


def _lane(trace: Trace, lane: Lane, lanes: Lanes) -> Dict[str, Any]:
    """One worker: start-up, busy and idle add up to the run; what follows are the parts of idle."""

    def seconds(*doing: Doing) -> float:
        return lane.spent_ns(*doing) / 1e9

    return {
        "process": lane.process,
        "thread": lane.thread or lane.thread_id,
        "host": lane.host,
        "scenarios": len(lane.scenarios),
        "startup_s": seconds(Doing.STARTUP),
        "busy_s": seconds(Doing.BUSY),
        "idle_s": seconds(*(doing for doing in Doing if doing not in (Doing.STARTUP, Doing.BUSY))),
        "share_busy": lane.spent_ns(Doing.BUSY) / lanes.wall_ns if lanes.wall_ns else 0.0,
        "absent_s": seconds(Doing.ABSENT),
        "waiting_s": seconds(Doing.WAITING),
        "nothing_left_s": seconds(Doing.IDLE),
        "driving_s": seconds(Doing.DRIVING),
        "unaccounted_s": seconds(Doing.UNACCOUNTED),
        "ended_in_scenario": trace.simulations[lane.ended_in - 1].name if lane.ended_in else None,
    }


def _driver(lanes: Lanes) -> Dict[str, Any]:
    return {
        "process": lanes.driver.process,
        "wall_s": lanes.wall_ns / 1e9,
        "serial_s": lanes.serial_ns / 1e9,
        "serial": [{"name": part.name, "seconds": part.ns / 1e9} for part in lanes.serial],
        "kind": lanes.kind,
        "processors": lanes.processors,
        "processors_used": lanes.cores_used,
        "workers_busy": lanes.busy_lanes,
        "other_processes": [{"process": pid, "program": program} for pid, program in lanes.others],
    }


def _makespan(span: Makespan) -> Dict[str, Any]:
    predicted: List[Dict[str, Any]] = [
        {"workers": each.workers, "seconds": each.ns / 1e9, "bound_s": each.bound_ns / 1e9}
        for each in span.predicted
    ]
    return {
        "measured_s": span.measured_ns / 1e9,
        "serial_s": span.serial_ns / 1e9,
        "bound_s": span.bound_ns / 1e9,
        "predicted": predicted,
        "workers": span.workers,
        "startup_s": [each / 1e9 for each in span.startups_ns],
        "handover_s": span.handover_ns / 1e9,
        "durations": span.durations,
        "processors": span.processors,
        "left_out": span.left_out,
    }


def _memory(memory: WorkerMemory) -> Dict[str, Any]:
    return {
        "peak_mb": memory.peak_mb,
        "per_worker_mb": memory.per_worker_mb,
        "growth_mb_per_scenario": memory.growth_mb_per_scenario,
        "fits": [{"gb": gb, "workers": workers} for gb, workers in memory.fits],
    }
