"""Scenarios that are simulated one at a time, beside processors that do nothing."""

from __future__ import annotations

from typing import Iterator

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import bench_with
from nutrace.advice.words import count
from nutrace.analysis.evaluation.lanes import PROCESSES, SEQUENTIAL
from nutrace.analysis.evaluation.model import Model

#: Of the run, what has to be saved.
_WORTH = 0.1


def find(facts: Facts) -> Iterator[Finding]:
    """A finding if processes would shorten the run."""
    lanes = facts.lanes
    if lanes is None or facts.is_part or lanes.kind == PROCESSES or lanes.processors is None:
        return
    model = Model(facts.whole, lanes)
    used = lanes.busy_lanes if lanes.cores_used is None else lanes.cores_used
    workers = min(lanes.processors, len(model.jobs))
    if workers < 2:
        return
    predicted = model.predict(workers, in_processes=True)
    if predicted.ns > (1 - _WORTH) * lanes.wall_ns:
        return
    how = "one after the other" if lanes.kind == SEQUENTIAL else "in threads, which share Python's lock"
    yield Finding(
        title=f"Simulate in {workers} processes: the run likely takes {predicted.ns / 1e9:,.1f} s "
        f"instead of {lanes.wall_ns / 1e9:,.1f} s",
        evidence=(
            f"{count(len(lanes.spans_ns), 'scenario')} were simulated {how}",
            f"meanwhile {used:.2f} of {lanes.processors} processors were used",
            f"{lanes.serial_ns / 1e9:,.1f} s of the run are the driver's own, which no worker shortens",
        ),
        sureness=Sureness.ESTIMATED,
        because="a model of measured scenarios (nutrace workers); starting Ray itself is not in it, nor is "
        "memory, of which each process needs its own",
        proof=(bench_with(facts, "ray", "worker=ray_distributed"),),
    )
