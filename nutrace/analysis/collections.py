"""Garbage collections: their time, the spans that they strike, and what the steps would be without them.

A collection stops all threads of its process while it lasts, so a full one makes a step longer also if it
strikes another thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.regions import Region, Regions
from nutrace.analysis.watched import was_watched
from nutrace.percentiles import percentile
from nutrace.trace import Trace

FULL = 2
_TARGET = "gc:callbacks"
_PERCENTS = (95, 99)


@dataclass(frozen=True)
class Collected:
    """A number of collections, and their time in ns."""

    count: int = 0
    total_ns: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(self.count + other.count, self.total_ns + other.total_ns)


@dataclass(frozen=True)
class Struck:
    """Full collections in one kind of span."""

    span: str
    component: str
    count: int
    total_ns: int


@dataclass(frozen=True)
class Tail:
    """The slowest steps, and collections.

    Attributes
    ----------
    percent, threshold_ns:
        Which percentile of the steps' times, and what it is.
    steps, struck:
        How many steps take as long or longer, and in how many of these a full collection fell.
    without_ns:
        The percentile of the steps' times less the collections in them.
    """

    percent: int
    threshold_ns: int
    steps: int
    struck: int
    without_ns: int


@dataclass(frozen=True)
class Switched:
    """A program that switches its collector off and on.

    Attributes
    ----------
    off, on, frozen:
        Calls of ``gc.disable``, ``gc.enable`` and ``gc.freeze`` inside spans; in a run with scenarios, inside
        these.
    off_in, on_in:
        The spans in which they were made, with the number of calls, most first.
    off_share:
        The part of the steps' time in which the collector was off; ``None`` without steps.
    """

    off: int
    on: int
    frozen: int
    off_in: Tuple[Tuple[str, int], ...]
    on_in: Tuple[Tuple[str, int], ...]
    off_share: Optional[float]


@dataclass(frozen=True)
class Collections:
    """The garbage collections of a trace.

    ``young_*`` are those of generations 0 and 1, ``full_*`` of the oldest. Those in the steps ran on a step's
    own thread. ``struck`` begins with the costliest.
    Young collections outside of all spans are not recorded.
    """

    young_in_steps: Collected
    full_in_steps: Collected
    young_outside: Collected
    full_outside: Collected
    struck: Tuple[Struck, ...]
    tails: Tuple[Tail, ...]
    switched: Optional[Switched]


def collections(trace: Trace, regions: Regions) -> Optional[Collections]:
    """The collections of a trace; ``None`` if the run did not record them."""
    spans = [
        span
        for span, name in enumerate(trace.name)
        if name == semconv.GC_SPAN and trace.component[span] == "gc"
    ]
    if not spans and not was_watched(trace, (_TARGET,)):
        return None
    amounts: Dict[Tuple[bool, bool], Collected] = {}
    struck: Dict[Tuple[str, str], List[int]] = {}
    for span in spans:
        full, calls = is_full(trace, span), trace.calls[span]
        key = regions.region[span] == Region.INSIDE, full
        amounts[key] = amounts.get(key, Collected()) + Collected(calls, trace.busy_ns[span])
        if full:
            entry = struck.setdefault(_around(trace, span), [0, 0])
            for place, more in enumerate((calls, trace.busy_ns[span])):
                entry[place] += more
    nothing = Collected()
    return Collections(
        young_in_steps=amounts.get((True, False), nothing),
        full_in_steps=amounts.get((True, True), nothing),
        young_outside=amounts.get((False, False), nothing),
        full_outside=amounts.get((False, True), nothing),
        struck=tuple(
            Struck(*key, *entry) for key, entry in sorted(struck.items(), key=lambda item: -item[1][1])
        ),
        tails=_tails(trace, regions, spans),
        switched=_switched(trace, regions),
    )


def is_full(trace: Trace, span: int) -> bool:
    """Whether the span of a collection is that of a full one."""
    return number(trace.attributes(span), semconv.GC_GENERATION) >= FULL


def _around(trace: Trace, span: int) -> Tuple[str, str]:
    """Name and component of the nearest span above that is not the collector's."""
    above = trace.parent[span]
    while above >= 0 and trace.component[above] == "gc":
        above = trace.parent[above]
    return (trace.name[above], trace.component[above]) if above >= 0 else ("outside all spans", "other")


def _tails(trace: Trace, regions: Regions, spans: Sequence[int]) -> Tuple[Tail, ...]:
    """`spans` are those of the collections."""
    steps = regions.steps
    if not steps:
        return ()
    spent = dict.fromkeys(steps, 0)
    holds_full = set()
    for step, span, took in _in_steps(trace, regions, spans):
        spent[step] += took
        if is_full(trace, span):
            holds_full.add(step)
    times = {step: trace.busy_ns[step] for step in steps}
    without = [max(times[step] - spent[step], 0) for step in steps]
    tails = []
    for percent in _PERCENTS:
        threshold = percentile(times.values(), percent)
        slowest = [step for step in steps if times[step] >= threshold]
        struck = sum(step in holds_full for step in slowest)
        tails.append(Tail(percent, threshold, len(slowest), struck, percentile(without, percent)))
    return tuple(tails)


def _in_steps(trace: Trace, regions: Regions, spans: Sequence[int]) -> Iterator[Tuple[int, int, int]]:
    """Collections in steps: the step, the collection, and its time in the step.

    Those below a step on its own thread; of full ones also those on other threads of its process.
    """
    first = 0
    inside = set()
    for step in regions.steps:  # steps and spans are in preorder
        first = bisect_left(spans, step, first)
        for span in spans[first : bisect_left(spans, trace.subtree_end[step], first)]:
            if regions.region[span] == Region.INSIDE:
                inside.add(span)
                yield step, span, trace.busy_ns[span]
    by_process: Dict[int, List[int]] = {}
    for step in sorted(regions.steps, key=trace.start_ns.__getitem__):
        by_process.setdefault(_process(trace, step), []).append(step)
    starts = {process: [trace.start_ns[step] for step in steps] for process, steps in by_process.items()}
    longest = max(trace.end_ns[step] - trace.start_ns[step] for step in regions.steps)
    for span in spans:
        # A merged span says when its first and last collection were, but not the others.
        if span in inside or trace.calls[span] > 1 or not is_full(trace, span):
            continue
        process, begin, end = _process(trace, span), trace.start_ns[span], trace.end_ns[span]
        at = bisect_left(starts.get(process, []), end) - 1
        while at >= 0 and starts[process][at] > begin - longest:
            step = by_process[process][at]
            took = min(end, trace.end_ns[step]) - max(begin, trace.start_ns[step])
            if took > 0:
                yield step, span, took
            at -= 1


def _process(trace: Trace, span: int) -> int:
    return trace.threads[trace.thread[span]].resource


def _switched(trace: Trace, regions: Regions) -> Optional[Switched]:
    calls: Dict[str, Counter[str]] = {
        name: Counter() for name in (semconv.GC_DISABLE_SPAN, semconv.GC_ENABLE_SPAN, semconv.GC_FREEZE_SPAN)
    }
    changes: Dict[int, List[Tuple[int, bool]]] = {}  # by process: when, and whether it is off from then on
    scenarios_end = 0  # of the scenario around the current span, as its number in the tree
    has_scenarios = semconv.RUN_SPAN in trace.name
    wanted = {semconv.RUN_SPAN, *calls}
    for span in [span for span, name in enumerate(trace.name) if name in wanted]:
        name = trace.name[span]
        of_process = changes.setdefault(_process(trace, span), [])
        if name == semconv.RUN_SPAN:
            scenarios_end = max(scenarios_end, trace.subtree_end[span])
            if trace.attributes(span).get(semconv.GC_OFF) is True:
                of_process.append((trace.start_ns[span], True))
        elif name in calls and trace.component[span] == "gc":
            if span < scenarios_end or not has_scenarios:
                calls[name][_around(trace, span)[0]] += trace.calls[span]
            if name != semconv.GC_FREEZE_SPAN:
                of_process.append((trace.start_ns[span], name == semconv.GC_DISABLE_SPAN))
    total_ns = sum(trace.busy_ns[step] for step in regions.steps)
    off_ns = _off_ns(trace, regions, changes)
    off, on, frozen = calls.values()
    if not (off or frozen or off_ns):
        return None
    return Switched(
        off=sum(off.values()),
        on=sum(on.values()),
        frozen=sum(frozen.values()),
        off_in=tuple(off.most_common()),
        on_in=tuple(on.most_common()),
        off_share=min(off_ns / total_ns, 1.0) if total_ns else None,
    )


def _off_ns(trace: Trace, regions: Regions, changes: Dict[int, List[Tuple[int, bool]]]) -> int:
    """The time of the steps in which the collector was off."""
    off_ns = 0
    for process, when in changes.items():
        steps = [step for step in regions.steps if _process(trace, step) == process]
        edges = [(trace.start_ns[step], 0, 1) for step in steps]
        edges += [(trace.end_ns[step], 0, -1) for step in steps]
        edges += [(at, 1, int(off)) for at, off in when]
        running, is_off, since = 0, 0, 0
        for at, is_switch, value in sorted(edges):
            off_ns += (at - since) * running * is_off
            since = at
            if is_switch:
                is_off = value
            else:
                running += value
    return off_ns
