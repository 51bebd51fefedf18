"""Start-up that each scenario repeats: in a process of its own, or by loading maps and models anew."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Iterator, List

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, plain
from nutrace.advice.words import count, ms
from nutrace.analysis.evaluation.lanes import PROCESSES, Lanes
from nutrace.analysis.evaluation.pieces import Doing

_FEWEST = 3  # scenarios
#: Of a scenario, what has to go into the work before its first step.
_SHARE = 0.1
_LEAST_NS = 100_000_000
_LISTED = 4


def find(facts: Facts) -> Iterator[Finding]:
    """A finding for new processes, and one for what a process does again for each scenario."""
    lanes = facts.lanes
    if lanes is None or facts.is_part:
        return
    yield from _new_processes(facts, lanes)
    yield from _before_first_step(facts, lanes)


def _new_processes(facts: Facts, lanes: Lanes) -> Iterator[Finding]:
    """Processes that come one after the other, for a scenario each."""
    working = [lane for lane in lanes.workers if lane.scenarios]
    processes = {lane.resource for lane in working}
    if lanes.kind != PROCESSES or len(processes) < _FEWEST or len(lanes.spans_ns) > 1.5 * len(processes):
        return
    began = {lane.resource: lanes.begin_ns + _absent_ns(lanes, lane.resource) for lane in working}
    ends = sorted(max(lanes.spans_ns[each][1] for each in lane.scenarios) for lane in working)
    later = sum(start > ends[0] for start in began.values())
    if 2 * later < len(processes):  # as many processes as scenarios, but all at once
        return
    startup = sum(lane.spent_ns(Doing.STARTUP) for lane in working)
    busy = sum(lane.spent_ns(Doing.BUSY) for lane in working)
    yield Finding(
        title=f"Let worker processes live on: {len(processes):,} of them simulated "
        f"{count(len(lanes.spans_ns), 'scenario')}",
        evidence=(
            f"{ms(startup)} of start-up for {ms(busy)} in scenarios",
            f"{later:,} of them began after another one had ended its work",
        ),
        sureness=Sureness.ESTIMATED,
        because="a process that simulates the next scenario has its modules, its maps and its model already "
        "(Ray: no max_calls; a pool: no max_tasks_per_child)",
        proof=(plain(f"nutrace workers {shlex.quote(facts.file)}"), against(facts)),
    )


def _absent_ns(lanes: Lanes, resource: int) -> int:
    """How long after the run's start the process began."""
    first = next(lane for lane in lanes.workers if lane.resource == resource).pieces[0]
    return first.end_ns - first.start_ns if first.doing is Doing.ABSENT else 0


def _before_first_step(facts: Facts, lanes: Lanes) -> Iterator[Finding]:
    """What the second and later scenarios of a worker do before their first step, and its handing over."""
    trace = facts.whole
    before: List[int] = []
    whole = 0
    where: Counter[str] = Counter()
    for lane in lanes.workers:
        for earlier, number in zip(lane.scenarios, lane.scenarios[1:]):
            scenario = trace.simulations[number - 1]
            if scenario.span is None or not scenario.steps:
                continue
            start, end = lanes.spans_ns[number]
            step = trace.start_ns[scenario.steps[0]]
            handing = max(start - lanes.spans_ns[earlier][1], 0)
            before.append(step - start + handing)
            whole += end - start + handing
            where["handing it over"] += handing
            for child in trace.children(scenario.span):
                if trace.nested(child) and trace.start_ns[child] < step:
                    where[trace.name[child]] += trace.busy_ns[child]
    if len(before) < _FEWEST or sum(before) < _SHARE * whole or sum(before) < _LEAST_NS * len(before):
        return
    yield Finding(
        title=f"Start scenarios faster: {ms(sum(before) / len(before))} go by before the first step of each, "
        f"{sum(before) / whole:.0%} of it",
        evidence=(
            f"{count(len(before), 'scenario')} that were not the first of their worker, "
            f"{ms(sum(before))} together",
            *(
                f"{ms(time / len(before))} a scenario: {name}"
                for name, time in where.most_common(_LISTED)
                if time
            ),
        ),
        sureness=Sureness.MEASURED,
        because="a worker has its modules by then; a model or a map that is loaded again could be kept",
        proof=(plain(f"nutrace workers {shlex.quote(facts.file)}"), against(facts)),
    )
