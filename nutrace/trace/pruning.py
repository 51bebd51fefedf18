"""Leave spans out of a trace, so that a large tree can be read."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any, Collection, Dict, Optional, Union

from nutrace.trace.addresses import Addresses
from nutrace.trace.selection import moved_scenarios, narrowed
from nutrace.trace.trace import Trace

_MS = 1e6


def pruned(
    trace: Trace,
    at_least_ms: float = 0.0,
    depth: Optional[int] = None,
    without: Union[str, Collection[str]] = (),
) -> Trace:
    """A trace without some of its spans; see :meth:`nutrace.Trace.pruned`."""
    keep = bytearray(len(trace))
    names = [without] if isinstance(without, str) else list(without)
    least_ns, hidden = at_least_ms * _MS, set(names)
    span, count = 0, len(trace)
    while span < count:
        low = trace.busy_ns[span] < least_ns or (depth is not None and trace.depth[span] > depth)
        if low or trace.component[span] in hidden or trace.name[span] in hidden:
            span = trace.subtree_end[span]
        else:
            keep[span] = 1
            span += 1
    told = (
        f"spans of {at_least_ms:g} ms or more" if at_least_ms > 0 else "",
        "" if depth is None else f"down to depth {depth}",
        f"without {', '.join(names)}" if names else "",
    )
    return replace(_kept(trace, keep), selection=narrowed(trace, *told))


def _kept(trace: Trace, keep: bytearray) -> Trace:
    """The spans that are kept; the time of others is in the self time of the span above."""
    number = array("i", bytes(4 * (len(trace) + 1)))  # that a span gets, or the next one that is kept
    for span, kept in enumerate(keep):
        number[span + 1] = number[span] + kept
    own, self_ns = trace.own_ns[:], trace.self_ns[:]
    for span, kept in enumerate(keep):
        above = trace.parent[span]
        if not kept and above >= 0 and keep[above] and trace.nested(span):
            self_ns[above] += trace.busy_ns[span]
            own[above] += trace.own_inside_ns[span]

    def cut(column: Any) -> Any:
        chosen = column[:0]
        chosen.extend(value for value, kept in zip(column, keep) if kept)
        return chosen

    def at(span: int) -> int:
        return number[span] if keep[span] else -1

    def moved(extras: Dict[int, bytes]) -> Dict[int, bytes]:
        return {at(span): value for span, value in extras.items() if keep[span]}

    raw, sampled = trace.raw, trace.sampled
    columns = "name", "component", "start_ns", "end_ns", "busy_ns", "calls", "yielded", "thread", "depth"
    scenario_of, iteration_of = cut(trace.addresses.scenario_of), cut(trace.addresses.iteration_of)
    return replace(
        trace,
        **{column: cut(getattr(trace, column)) for column in columns},
        self_ns=cut(self_ns),
        own_ns=cut(own),
        parent=array("i", (-1 if above < 0 else number[above] for above in cut(trace.parent))),
        subtree_end=array("i", (number[end] for end in cut(trace.subtree_end))),
        sampled=replace(sampled, group_of=cut(sampled.group_of)) if sampled else None,
        kept=Addresses(moved_scenarios(trace, scenario_of, at), scenario_of, iteration_of),
        raw=replace(
            raw,
            **{
                column: cut(getattr(raw, column))
                for column in ("span_id", "trace_id", "kind", "by_api", "unfinished", "attributes")
            },
            single_rows=cut(trace.single_rows),
            clocked_ns=cut(trace.clocked_ns),
            events=moved(raw.events),
            status=moved(raw.status),
        ),
    )
