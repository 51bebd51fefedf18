"""What nutrace measured of its own work, where that may take long."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Sequence, Set, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.trace import Resource, Trace
from nutrace.trace.bounds import whole

#: Threads of the program that wait for the writing, or do it: that is the work of :data:`WRITING` once more.
WAITS = frozenset(("step_ended", "queue_full", "flushed", "forked"))
#: Processor time of beginning and ending to trace.
ONCE = frozenset(("start", "exit"))
#: Processor time of encoding and writing spans, on whatever thread.
WRITING = "writing"
#: In a part of a run: all that was clocked inside of its spans.
IN_SPANS = "in_spans"

_SPENT = f"{semconv.OWN_SPENT_NS}."
_TIMES = f"{semconv.OWN_TIMES}."
_MOST = 40  # kinds of work; more are nobody's


@dataclass(frozen=True)
class Clocked:
    """Work of one kind.

    Attributes
    ----------
    what:
        The name that the run file has for it.
    times:
        How often it was done; 0 if the file does not say.
    spent_ns:
        How long it took in all.
    added:
        Whether it is in the sum. Waiting for the writing is not: the writing is.
    """

    what: str
    times: int
    spent_ns: int
    added: bool


def clocked(resources: Sequence[Resource]) -> Tuple[Clocked, ...]:
    """What the processes of a run have clocked; first what is added, the longest first."""
    spent: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for resource in resources:
        for key, value in resource.attributes.items():
            if key.startswith(_SPENT) and whole(value) >= 0:
                spent[key[len(_SPENT) :]] += value
            elif key.startswith(_TIMES) and whole(value) >= 0:
                times[key[len(_TIMES) :]] += value
    entries = (Clocked(what, times[what], spent_ns, what not in WAITS) for what, spent_ns in spent.items())
    return tuple(sorted(entries, key=lambda entry: (not entry.added, -entry.spent_ns, entry.what))[:_MOST])


def inside_of_spans(trace: Trace) -> Tuple[Clocked, ...]:
    """What was clocked inside of a trace's spans, waiting included; nothing if nothing was."""
    mark = semconv.OWN_NS.encode()
    noted: Set[int] = {span for span, raw in enumerate(trace.raw.attributes) if mark in raw}
    spent_ns, covered = 0, bytearray(len(trace))  # what a span has noted holds what those inside of it have
    for span in range(len(trace)):
        if trace.nested(span):
            above = trace.parent[span]
            covered[span] = covered[above] or above in noted
        if span in noted and not covered[span]:
            spent_ns += number(trace.attributes(span), semconv.OWN_NS)
    return (Clocked(IN_SPANS, 0, spent_ns, True),) if spent_ns else ()
