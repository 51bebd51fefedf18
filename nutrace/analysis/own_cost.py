"""What nutrace itself cost: every event at its price, and what was clocked, as a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from nutrace import semconv
from nutrace.analysis.own_clocked import ONCE, WRITING, Clocked, clocked, inside_of_spans
from nutrace.analysis.own_events import OwnEvents
from nutrace.analysis.own_rows import (
    ComponentOwnCost,
    EventCost,
    SpanOwnCost,
    by_component,
    by_event,
    by_span,
)
from nutrace.analysis.own_steps import StepsOwnCost, steps_own_cost
from nutrace.analysis.regions import Regions
from nutrace.prices import AT_LEAST, bound
from nutrace.trace import Trace
from nutrace.trace.bounds import whole


@dataclass(frozen=True)
class OwnSum:
    """What nutrace cost in a run, or in a part of one.

    Attributes
    ----------
    priced:
        Whether the file states what an event costs. If not, there is no ledger.
    spans:
        Calls that were recorded, before equal siblings were merged.
    total_ns:
        What the events cost, and what was clocked and is added. Without prices, the sum that the processes
        state; None if there is none.
    share:
        Of ``total_ns``, all but ``start_and_end_ns`` as a part of the wall time; None for a part of a run.
    start_and_end_ns:
        Of ``total_ns``, what beginning and ending took, which lies before and after the spans.
    events_ns:
        What the events cost.
    clocked:
        What was measured where it happened; for a part of a run what was noted on its spans.
    bound:
        How to read ``total_ns``: "about" or "at least" (:func:`nutrace.prices.bound`).
    """

    priced: bool
    spans: int
    total_ns: Optional[float]
    share: Optional[float]
    start_and_end_ns: int = 0
    events_ns: float = 0.0
    clocked: Tuple[Clocked, ...] = ()
    bound: str = AT_LEAST


@dataclass(frozen=True)
class OwnCost(OwnSum):
    """The ledger of a run, or of a part of one: the sum, and what it consists of.

    Attributes
    ----------
    events, components, kinds:
        The costliest first; ``kinds`` are kinds of span, by name and component. Each adds up to
        ``events_ns``.
    steps:
        None without finished steps.
    unpriced:
        Spans of processes that do not state prices: their events are not in the ledger.
    unfinished:
        Processes that state prices, and did not come to write what they have clocked.
    """

    events: Tuple[EventCost, ...] = ()
    components: Tuple[ComponentOwnCost, ...] = ()
    kinds: Tuple[SpanOwnCost, ...] = ()
    steps: Optional[StepsOwnCost] = None
    unpriced: int = 0
    unfinished: int = 0


def own_sum(trace: Trace, regions: Regions) -> OwnSum:
    """What nutrace cost in a run, or in a part that was selected from one."""
    return _sum(trace, OwnEvents(trace, regions))


def own_cost(trace: Trace, regions: Regions) -> OwnCost:
    """The same, with what it consists of."""
    found = OwnEvents(trace, regions)
    whole_sum = _sum(trace, found)
    if not whole_sum.priced:
        return OwnCost(**vars(whole_sum))
    return OwnCost(
        **vars(whole_sum),
        events=by_event(found),
        components=by_component(trace, found),
        kinds=by_span(found),
        steps=steps_own_cost(trace, regions, found),
        unpriced=found.unpriced,
        unfinished=0 if _is_part(trace) else _unfinished(trace, found),
    )


def _sum(trace: Trace, found: OwnEvents) -> OwnSum:
    part = _is_part(trace)
    spans = sum(trace.calls) if part else _recorded(trace)
    if not found.priced:
        stated = None if part else _stated_ns(trace)
        return OwnSum(
            priced=False,
            spans=spans,
            total_ns=stated,
            share=None if stated is None else _share(trace, stated),
        )
    entries = inside_of_spans(trace) if part else clocked(trace.resources)
    events_ns = found.total_ns(found.counts)
    total_ns = events_ns + sum(entry.spent_ns for entry in entries if entry.added)
    start_and_end_ns = sum(entry.spent_ns for entry in entries if entry.what in ONCE)
    return OwnSum(
        priced=True,
        spans=spans,
        total_ns=total_ns,
        share=None if part else _share(trace, total_ns - start_and_end_ns),
        start_and_end_ns=start_and_end_ns,
        events_ns=events_ns,
        clocked=entries,
        bound=bound(found.prices),
    )


def _is_part(trace: Trace) -> bool:
    """Whether it was made from another trace; merged and pruned ones have no selection."""
    return trace.kept is not None


def _recorded(trace: Trace) -> int:
    """The calls that each process has recorded; of those that came to no end, the calls in the file."""
    stated = [whole(resource.attributes.get(semconv.SPANS_RECORDED)) for resource in trace.resources]
    number = sum(calls for calls in stated if calls >= 0)
    silent = {thread for thread, key in enumerate(trace.threads) if stated[key.resource] < 0}
    if silent:
        number += sum(calls for calls, thread in zip(trace.calls, trace.thread) if thread in silent)
    return number


def _stated_ns(trace: Trace) -> Optional[int]:
    """The sum of what the processes of an older run say that it has cost; None if none says it."""
    stated = [whole(resource.attributes.get(semconv.OVERHEAD_NS)) for resource in trace.resources]
    known = [cost_ns for cost_ns in stated if cost_ns >= 0]
    return sum(known) if known else None


def _share(trace: Trace, cost_ns: float) -> Optional[float]:
    wall_ns = trace.finish_ns - trace.begin_ns
    return cost_ns / wall_ns if wall_ns > 0 else None


def _unfinished(trace: Trace, found: OwnEvents) -> int:
    writing = f"{semconv.OWN_SPENT_NS}.{WRITING}"
    of_ours = [each for each, prices in zip(trace.resources, found.prices) if prices]
    return sum(writing not in resource.attributes for resource in of_ours)
