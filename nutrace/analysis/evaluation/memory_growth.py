"""In which part of its scenarios the memory of a process grew.

Memory is read when a scenario begins and ends, and at ends of steps ten times a second at most. So a file
tells between which of these readings a process grew, and which components ran meanwhile, but not which call
keeps the memory. Python and the C library keep memory that a program has freed, and it counts as resident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.memory import ScenarioMemory
from nutrace.trace import Trace

#: Parts of a scenario, between readings.
BETWEEN = "between scenarios"
BEFORE = "before the steps and in the first of them"
STEPS = "in the steps after the first"
AFTER = "after the steps"
WHOLE = "inside the scenarios"  # where the steps have no readings

_FEWEST_SCENARIOS = 2


@dataclass(frozen=True)
class GrowthPart:
    """How much a process grew in one part of its scenarios.

    Attributes
    ----------
    part:
        One of the parts above.
    per_scenario:
        Bytes, the mean over its scenarios but the first, which loads what all use. Negative where the process
        shrank.
    components:
        Which components ran there on the scenario's thread, outside of the steps, each with its share of
        the time; the largest first. Empty where that is not known.
    """

    part: str
    per_scenario: float
    components: Tuple[Tuple[str, float], ...]


def growth_parts(trace: Trace, scenarios: Sequence[ScenarioMemory]) -> Tuple[GrowthPart, ...]:
    """What a process grew by in each part, the largest first; together it is all that it grew by.

    If it shrank in one part, this may be what it took in another one: then nobody knows what stays of which.
    Empty if scenarios ran at the same time, so that what one left cannot be told from what others hold.

    Parameters
    ----------
    scenarios:
        Those of one process; those that were cut short are left out.
    """
    ended = sorted((each for each in scenarios if each.start and each.end), key=lambda each: each.begin_ns)
    in_turn = all(one.end_ns <= other.begin_ns for one, other in zip(ended, ended[1:]))
    if len(ended) < _FEWEST_SCENARIOS or not in_turn:
        return ()
    grown: Dict[str, int] = {}
    ran: Dict[str, Dict[str, int]] = {}
    spans = {each.number: each.span for each in trace.simulations}
    for before, each in zip(ended, ended[1:]):
        _add(grown, BETWEEN, each.start - before.end)
        if not each.in_steps:
            _add(grown, WHOLE, each.end - each.start)
            continue
        (first, at_first), (last, at_last) = each.in_steps[0], each.in_steps[-1]
        _add(grown, BEFORE, at_first - each.start)
        _add(grown, STEPS, at_last - at_first)
        _add(grown, AFTER, each.end - at_last)
        _add_components(trace, spans[each.number], BEFORE, range(first), ran)
        _add_components(trace, spans[each.number], AFTER, range(trace.subtree_end[last], len(trace)), ran)
    count = len(ended) - 1
    parts = [
        GrowthPart(part, size / count, _shares(ran.get(part, {}))) for part, size in grown.items() if size
    ]
    return tuple(sorted(parts, key=lambda each: -each.per_scenario))


def _add(sums: Dict[str, int], key: str, amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _add_components(
    trace: Trace, run: Optional[int], part: str, within: range, ran: Dict[str, Dict[str, int]]
) -> None:
    """Add the time of the components of a scenario, outside of its steps, in spans with a number `within`.

    Spans are numbered by their start, so that those before a step have lower numbers than it.
    """
    if run is None:
        return
    times = ran.setdefault(part, {})
    span, end = max(run + 1, within.start), min(trace.subtree_end[run], within.stop)
    while span < end:
        if trace.name[span] == semconv.STEP_SPAN:
            span = trace.subtree_end[span]
            continue
        if trace.thread[span] == trace.thread[run]:
            _add(times, trace.component[span], trace.self_ns[span])
        span += 1


def _shares(times: Dict[str, int]) -> Tuple[Tuple[str, float], ...]:
    whole = sum(times.values())
    shares: List[Tuple[str, float]] = [(name, time / whole) for name, time in times.items() if time]
    return tuple(sorted(shares, key=lambda each: -each[1]))
