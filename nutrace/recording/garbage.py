"""Garbage collections as spans, below the spans that they strike.

CPython tells callbacks when a collection begins and ends, in the thread that it strikes: at an allocation, so
also in the middle of our own code. What a callback raises is printed and dropped. A callback written in
Python would thus swallow the KeyboardInterrupt of a Ctrl-C that comes during a collection, because Python
runs signal handlers when it next enters a function. So the callbacks here are put together from functions
written in C: each collection leaves two tuples in a queue and runs not one line of Python. They take no lock
and cannot be interrupted. Everything else is done where spans are written, in the background.

A collection takes 1.8 us longer for it on Python 3.9 and 3.11 (tests/benchmarks/probe_cost.py). A young one
takes some 50 to 1,000 us, and there are two in a step of IDM agents.
"""

from __future__ import annotations

import _thread
import gc
from bisect import bisect_right
from functools import partial
from itertools import count, filterfalse, repeat, starmap
from operator import itemgetter
from typing import Any, Deque, Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import Composite, Record
from nutrace.recording.context import current, span_in
from nutrace.recording.process_state import process_state
from nutrace.recording.span import CallSite, Parent, Span
from nutrace.recording.stopwatch import collections_waiting

#: A record, and the id of the thread it was made in.
Entry = Tuple[Record, int]

_NONE: Tuple[List[int], List[Span]] = ([], [])

FULL = 2  # the oldest generation: collecting it looks at every object


class Collections:
    """The collections of this process since they were last taken."""

    def __init__(self) -> None:
        self._missed = 0
        self._sites = [
            CallSite(semconv.GC_SPAN, "gc", attributes={semconv.GC_GENERATION: generation})
            for generation in range(FULL + 1)
        ]
        self._callbacks: List[Any] = []
        self._waiting = collections_waiting
        self._renew()

    def _renew(self) -> None:
        self._waiting.clear()
        self._begun: Optional[Tuple[Any, ...]] = None  # a beginning whose end has not come
        self._ended: Optional[int] = -1  # the number of the last collection that was taken, if known

    def watch(self, on: bool) -> None:
        """Record collections from now on, or no more; what was recorded can still be taken."""
        # By identity, as a comparison would call methods of the program's own callbacks.
        gc.callbacks[:] = [each for each in gc.callbacks if not any(each is ours for ours in self._callbacks)]
        self._callbacks = []
        if on:
            self._renew()
            self._callbacks = _callbacks(self._waiting)
            gc.callbacks.extend(self._callbacks)

    def forget(self) -> None:
        """In a forked child: what waits here belongs to the parent process."""
        self._waiting.clear()
        self._begun = None
        self._ended = None

    def count_missed(self) -> int:
        """How many could not be kept since the last call: they were too many between two calls of `take`."""
        missed, self._missed = self._missed, 0
        return missed

    def take(self, waiting: Sequence[Entry], *, outside: bool) -> List[Entry]:
        """The collections since the last time, each with the id of its thread; those of one parent merged.

        Records of `waiting` that finalizers have made during a collection are put below it.

        Young collections are merged whatever they took, full ones if they are short. Young ones that lie in
        no span are left out.

        Parameters
        ----------
        outside:
            Whether to give full ones that lie in no span.
        """
        merged: Dict[Tuple[Any, int, bool], Composite] = {}
        taken: List[Entry] = []
        # Collections that may have run finalizers, by what they struck: when they began, and themselves.
        freed: Dict[Tuple[Any, int], Tuple[List[int], List[Span]]] = {}
        for _ in range(len(self._waiting)):
            event = self._waiting.popleft()
            if len(event) == 2:
                self._begun = event
                continue
            begun, self._begun = self._begun, None
            ended, (generation, collected), thread, number = event
            self._missed += 0 if self._ended is None else number - self._ended - 1
            self._ended = number
            if begun is None:  # it began before a fork, or its beginning was dropped
                continue
            started, state = begun
            parent = _struck(state, started, ended)
            is_full = generation >= FULL
            if parent is None and not (outside and is_full):
                continue
            span = Span(self._sites[min(generation, FULL)], parent)
            span.started, span.ended = started, ended
            took, longest = ended - started, process_state.longest_ns
            merges = longest >= 0 and (not is_full or took <= longest)
            key = _stands_for(parent), thread, is_full
            composite = merged.get(key) if merges else None
            if composite is not None:
                composite.add(span, took)
                if generation > composite.site.attributes[semconv.GC_GENERATION]:
                    composite.site = self._sites[generation]
            else:
                composite = Composite(span, took)
                composite.numbers[semconv.GC_COLLECTED] = 0
                taken.append((composite, thread))
                if merges:
                    merged[key] = composite
            composite.numbers[semconv.GC_COLLECTED] += collected
            if collected and parent is not None:
                starts, spans = freed.setdefault((parent, thread), ([], []))
                starts.append(started)
                spans.append(span)
        if freed:
            for record, thread in waiting:
                starts, spans = freed.get((record.parent, thread), _NONE)
                at = bisect_right(starts, record.started) - 1
                if at >= 0 and record.ended <= spans[at].ended:
                    record.parent = spans[at]
        return taken


def _callbacks(waiting: Deque[Tuple[Any, ...]]) -> List[Any]:
    """Two callables in C that note each collection in `waiting`: its beginning as 2 values, its end as 4."""
    always = repeat(())
    # The first callback keeps what Python says of the collection under the name of its phase.
    said: Dict[str, Any] = {}
    what: Any = itemgetter("generation", "collected")
    beginnings = zip(starmap(now_ns, always), starmap(current.get, always))
    ends = zip(
        starmap(now_ns, always),
        map(what, starmap(said.get, repeat(("stop",)))),
        starmap(_thread.get_native_id, always),
        count(),
    )

    class Phases:
        # To read one of these attributes is to append the next tuple: `append` returns None, which is false,
        # so that `filterfalse` appends each tuple and passes it on.
        start = property(partial(next, filterfalse(waiting.append, beginnings)))
        stop = property(partial(next, filterfalse(waiting.append, ends)))

    return [said.__setitem__, partial(getattr, Phases())]


def _struck(state: Any, started: int, ended: int) -> Optional[Parent]:
    """The innermost span, of those that were current in `state`, in whose time the collection lies.

    A collection may strike between the moment when a span becomes current and its first reading of the clock,
    and likewise after its last one.
    """
    node = span_in(state)
    while isinstance(node, Span) and not _lies_in(node, started, ended):
        above: Any = _stands_for(node)
        node = above.parent
    return node


def _stands_for(span: Optional[Parent]) -> Any:
    """The composite that a short leaf was merged into, or the span itself."""
    above = getattr(span, "parent", None)
    return above if type(above) is Composite else span


def _lies_in(span: Span, started: int, ended: int) -> bool:
    begun = getattr(span, "started", 0)
    return 0 < begun <= started and (not span.ended or span.ended >= ended)


#: Of this process.
collections = Collections()
