"""More workers than the machine's memory holds."""

from __future__ import annotations

from typing import Iterator, List

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import bench_with
from nutrace.advice.words import count
from nutrace.analysis.evaluation.lanes import SEQUENTIAL, THREADS
from nutrace.analysis.evaluation.worker_memory import worker_memory


def find(facts: Facts) -> Iterator[Finding]:
    """A finding if fewer workers fit than there were."""
    lanes = facts.lanes
    if lanes is None or facts.is_part or lanes.kind == SEQUENTIAL:
        return
    memory = worker_memory(facts.whole)
    workers = lanes.at_once
    if memory is None or memory.machine_gb is None or not memory.workers:
        return
    fits = memory.fit(memory.machine_gb)
    if fits >= workers:
        return
    evidence: List[str] = [f"{count(workers, 'worker')} need {memory.needed_mb(workers) / 1e3:,.1f} GB"]
    if memory.per_worker_mb is not None:
        evidence.append(f"a worker needs up to {memory.per_worker_mb:,.0f} MB")
    if memory.steady and memory.growth_mb_per_scenario:
        evidence.append(f"it grows by {memory.growth_mb_per_scenario:,.1f} MB a scenario")
    for lane in lanes.workers:
        if lane.ended_in:
            name = facts.whole.simulations[lane.ended_in - 1].name
            evidence.append(f"process {lane.process} ended in scenario {name}")
    most = max(fits, 1)
    word = "worker.max_workers" if lanes.kind == THREADS else "worker.threads_per_node"
    yield Finding(
        title=f"Use {count(most, 'worker')} at most: the machine has {memory.machine_gb:,.1f} GB",
        evidence=tuple(evidence),
        sureness=Sureness.ESTIMATED,
        because="from the measured peaks of the run's workers, as nutrace workers says; what the system does "
        "without memory, no measured time shows",
        proof=(bench_with(facts, "fewer", f"{word}={most}"),),
    )
