"""A trace in memory: spans numbered in preorder, each property a column."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.sketch import Times, times_of
from nutrace.trace.addresses import Addresses, Scenario, addresses
from nutrace.trace.bounds import whole
from nutrace.trace.choosing import Choosing
from nutrace.trace.correction import Correction
from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.facts import of_events
from nutrace.trace.plotted import Plotted
from nutrace.trace.sampled import Sampled
from nutrace.trace.skew import Skew
from nutrace.trace.span import Event, Resource, Status, ThreadKey
from nutrace.trace.span_view import SpanView
from nutrace.trace.values import failed_spans, parse_attributes, parse_events, parse_status
from nutrace.trace.views import Viewed


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Viewed, Plotted, Choosing):
    """An immutable tree of spans.

    Spans are numbered 0..n-1 in preorder: a parent before its children, siblings and roots by
    start. The subtree of span ``i`` is ``range(i, subtree_end[i])``. Columns are indexed by that number;
    times are nanoseconds, ``start_ns`` and ``end_ns`` Unix time. Tables of pandas are made of them by
    :meth:`spans`, :meth:`steps`, :meth:`components` and the others.

    >>> trace = nutrace.load("run.json")
    >>> trace
    <Trace 'run.json': 743 spans, 35 steps>
    >>> span = trace.finished_steps[0]
    >>> trace.name[span], trace.busy_ns[span] / 1e6, trace.depth[span]
    ('simulation.step', 21.14501, 1)
    >>> trace[span].children[1].name
    'planner.compute'

    Attributes
    ----------
    path:
        The file that was read.
    name, component, parent, depth, subtree_end, start_ns, end_ns:
        ``parent`` is -1 for roots, ``component`` "other" for spans without one.
    busy_ns:
        The span's cost, or total time: the time inside it. For generators and composite spans, less than
        from start to end.
    self_ns:
        ``busy_ns`` without that of the children on the same thread; never negative. Summed over all spans
        of a thread, it is the ``busy_ns`` of the thread's outermost spans.
    own_ns:
        nutrace's own time that was taken out of ``self_ns``, and is in it no more. ``busy_ns`` is lower by
        that of the span and of all spans that are nested in it. Start and end are as recorded.
    calls:
        1; for a composite span the number of spans it stands for; 0 for a span that
        continues a generator whose call another span holds.
    yielded:
        Values yielded by a generator, else 0.
    correction:
        What was taken out of the whole trace, and how sure that is. :func:`nutrace.load` with ``raw=True``
        gives times as they were recorded.
    thread:
        Index into ``threads``. A child on another thread than its parent ran beside it, not inside it.
    threads, resources:
        The threads, and the processes as their OTLP resources describe them.
    diagnostics:
        What is missing: spans that were dropped, cut short or left open, and what is to be known of the file.
    raw:
        What is read a span at a time: see :meth:`attributes`, :meth:`events`, :meth:`status`.
    selection:
        For a part of a trace what was selected ("steps 10 to 19"), else "". ``resources`` and
        ``diagnostics`` are those of the whole.
    sampled:
        What samplers saw inside the spans, if :func:`nutrace.sampling.join.join` has joined samples to them.
    kept:
        For a part of a trace the addresses that its spans have in the whole, else None.
    skews:
        By how much the clocks of further hosts differ from that of the run's first process, and what was
        added to their times; empty for a run on one host.
    """

    path: str
    name: List[str]
    component: List[str]
    parent: array[int]
    depth: array[int]
    subtree_end: array[int]
    start_ns: array[int]
    end_ns: array[int]
    busy_ns: array[int]
    self_ns: array[int]
    own_ns: array[int]
    calls: array[int]
    yielded: array[int]
    thread: array[int]
    threads: Tuple[ThreadKey, ...]
    resources: Tuple[Resource, ...]
    diagnostics: Diagnostics
    correction: Correction
    raw: RawColumns
    selection: str = ""
    sampled: Optional[Sampled] = None
    kept: Optional[Addresses] = None
    skews: Tuple[Skew, ...] = ()

    def __len__(self) -> int:
        return len(self.name)

    def __repr__(self) -> str:
        what = f"{self.path!r}, {self.selection}" if self.selection else repr(self.path)
        return f"<Trace {what}: {len(self):,} spans, {len(self.step_indices):,} steps>"

    def __getitem__(self, index: int) -> SpanView:
        if not -len(self) <= index < len(self):
            raise IndexError(f"span {index} of {len(self)}")
        return SpanView(self, index % len(self))

    def __iter__(self) -> Iterator[SpanView]:
        return (SpanView(self, index) for index in range(len(self)))

    @cached_property
    def roots(self) -> List[int]:
        """Spans without a parent, by start.

        >>> [trace.name[root] for root in trace.roots[:3]]
        ['config.compose', 'simulation.build', 'simulation.run_runners']
        """
        roots = []
        index = 0
        while index < len(self):
            roots.append(index)
            index = self.subtree_end[index]
        return roots

    @cached_property
    def step_indices(self) -> List[int]:
        """The numbers of the spans that are the simulation's steps, in the order of the tree.

        >>> trace.step_indices[:3]
        [33, 51, 69]
        >>> len(trace.step_indices), len(trace.finished_steps)  # one worker was killed
        (35, 34)
        """
        return [span for span in self.simulation_spans if self.name[span] == semconv.STEP_SPAN]

    @cached_property
    def simulation_spans(self) -> List[int]:
        """The numbers of the spans that are simulations or their steps, in the order of the tree.

        >>> [trace.name[span] for span in trace.simulation_spans[:3]]
        ['simulation.run', 'simulation.step', 'simulation.step']
        """
        wanted = frozenset((semconv.RUN_SPAN, semconv.STEP_SPAN))
        return list(compress(range(len(self)), map(wanted.__contains__, self.name)))

    @cached_property
    def finished_steps(self) -> List[int]:
        """The steps that ended; of those inside each other the outermost.

        >>> max(trace.busy_ns[step] for step in trace.finished_steps) / 1e6  # milliseconds
        181.36354
        """
        finished: List[int] = []
        for step in self.step_indices:
            inside = finished and step < self.subtree_end[finished[-1]]
            if not inside and not self.unfinished(step):
                finished.append(step)
        return finished

    @cached_property
    def addresses(self) -> Addresses:
        """In which scenario and step each span lies.

        >>> trace.addresses.scenario_of[100], trace.addresses.iteration_of[100]
        (1, 3)
        """
        return addresses(self) if self.kept is None else self.kept

    @property
    def simulations(self) -> Tuple[Scenario, ...]:
        """The simulations of the run by their start; in a part of a trace those of which it has spans.

        >>> [(scenario.type, scenario.outcome) for scenario in trace.simulations[2:]]
        [('behind_long_vehicle', 'cut short'), ('stationary_in_traffic', 'finished')]
        """
        return self.addresses.scenarios

    @cached_property
    def step_addresses(self) -> List[Tuple[int, int]]:
        """For each of ``step_indices`` its scenario's number and its iteration: no two are the same.

        >>> trace.step_addresses[:3]
        [(1, 0), (1, 1), (1, 2)]
        """
        where = self.addresses
        return [(where.scenario_of[step], where.iteration_of[step]) for step in self.step_indices]

    @cached_property
    def begin_ns(self) -> int:
        """The earliest start, Unix ns (0 in an empty trace).

        >>> (trace.finish_ns - trace.begin_ns) / 1e9  # seconds
        48.093883139
        """
        return min(self.start_ns, default=0)

    @cached_property
    def finish_ns(self) -> int:
        """The latest end, Unix ns (0 in an empty trace).

        >>> from datetime import datetime, timezone
        >>> datetime.fromtimestamp(trace.finish_ns / 1e9, timezone.utc).isoformat(timespec="seconds")
        '2026-09-21T14:14:08+00:00'
        """
        return max(self.end_ns, default=0)

    def children(self, index: int) -> Iterator[int]:
        """Children of a span by start, those on other threads included.

        >>> [trace.name[child] for child in trace.children(trace.finished_steps[0])]
        ['simulation.get_planner_input', 'planner.compute', 'simulation.propagate']
        """
        child, end = index + 1, self.subtree_end[index]
        while child < end:
            yield child
            child = self.subtree_end[child]

    def nested(self, index: int) -> bool:
        """Whether the span ran inside its parent: it has one, on its own thread.

        >>> trace.nested(trace.finished_steps[0]), trace.nested(0)
        (True, False)
        """
        parent = self.parent[index]
        return parent >= 0 and self.thread[parent] == self.thread[index]

    @cached_property
    def not_nested(self) -> List[int]:
        """The spans that did not run inside their parent: those without one, or on another thread.

        >>> [trace.name[span] for span in trace.not_nested[:2]]
        ['config.compose', 'simulation.build']
        """
        thread = self.thread
        of_parent = zip(range(len(self)), self.parent, thread)
        return [span for span, above, own in of_parent if above < 0 or thread[above] != own]

    def attributes(self, index: int) -> Mapping[str, Any]:
        """The span's attributes, read-only.

        >>> trace.attributes(trace.finished_steps[0])["nutrace.step.simulated_interval_s"]
        0.1
        """
        return parse_attributes(self.raw.attributes[index])

    def call_times(self, index: int) -> Optional[Times]:
        """How long the calls took that a span stands for: ``(ns, how many)`` each, as far as known.

        Those of a composite span are right to :data:`nutrace.sketch.ERROR`; None if only their mean is known,
        as in older files. Empty for a span that continues a generator.

        >>> trace.call_times(trace.finished_steps[0])
        [(21145010, 1)]
        """
        calls, busy_ns = self.calls[index], self.busy_ns[index]
        if calls <= 1:
            return [(busy_ns, 1)] * calls
        attributes = self.attributes(index)
        shortest = whole(attributes.get(semconv.COMPOSITE_MIN_NS))
        longest = whole(attributes.get(semconv.COMPOSITE_MAX_NS))
        # The shortest and the longest are as recorded, and so has to be the sum.
        recorded_ns = busy_ns + self.own_inside_ns[index]
        return times_of(calls, recorded_ns, shortest, longest, attributes.get(semconv.COMPOSITE_TIMES))

    def events(self, index: int) -> Tuple[Event, ...]:
        """The span's events, such as exceptions.

        >>> [event.name for span in trace.failed for event in trace.events(span)]
        []
        """
        events = parse_events(self.raw.events.get(index, b""))
        moved_ns = self._moved_ns(index) if self.skews and events else 0
        return tuple(replace(event, time_ns=event.time_ns + moved_ns) for event in events)

    def _moved_ns(self, index: int) -> int:
        """What was added to the span's times."""
        host = self.resources[self.threads[self.thread[index]].resource].host
        return sum(skew.offset_ns for skew in self.skews if skew.host == host)

    def status(self, index: int) -> Status:
        """The span's status.

        >>> trace.status(0).code == 2  # whether an error left it
        False
        """
        return parse_status(self.raw.status.get(index, b""))

    def span_id(self, index: int) -> str:
        """The span's id as in the file (16 hex digits); a new one if the file has none.

        >>> trace.span_id(100)
        '000007d10000005e'
        """
        number = self.raw.span_id[index]
        return self.raw.odd_ids.get(number) or f"{number:016x}"

    def trace_id(self, index: int) -> str:
        """The trace id as in the file.

        >>> trace.trace_id(100)
        '5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e'
        """
        return self.raw.trace_ids[self.raw.trace_id[index]]

    def kind(self, index: int) -> int:
        """OTLP span kind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.

        >>> trace.kind(100)
        1
        """
        return self.raw.kind[index]

    def by_api(self, index: int) -> bool:
        """Whether the program made the span by the OpenTelemetry API: in a scope that is not nutrace's.

        >>> any(trace.by_api(span) for span in range(len(trace)))
        False
        """
        return bool(self.raw.by_api[index])

    @cached_property
    def failed(self) -> FrozenSet[int]:
        """The spans that an error left.

        >>> [trace[span].name for span in trace.failed]
        []
        """
        return failed_spans(self.raw.status)

    @cached_property
    def single_rows(self) -> array[int]:
        """For each span the rows that its statement gave one by one: others cost nothing each.

        >>> sum(trace.single_rows)
        3839
        """
        return self._of_events[0]

    @cached_property
    def clocked_ns(self) -> array[int]:
        """For each span nutrace's own time around it that was clocked, in ns; it lies in the span above.

        >>> sum(trace.clocked_ns) / 1e6  # milliseconds
        0.0
        """
        return self._of_events[1]

    @cached_property
    def _of_events(self) -> Tuple[array[int], array[int]]:
        raw = self.raw
        if raw.single_rows is not None and raw.clocked_ns is not None:
            return raw.single_rows, raw.clocked_ns
        return of_events(raw.attributes)

    @cached_property
    def own_inside_ns(self) -> array[int]:
        """For each span what was taken out of it and of all spans that are nested in it, in ns.

        >>> step = trace.finished_steps[0]
        >>> trace.own_inside_ns[step] / 1e3  # microseconds
        155.984
        """
        inside = self.own_ns[:]
        for index in range(len(self) - 1, -1, -1):
            if inside[index] and self.nested(index):
                inside[self.parent[index]] += inside[index]
        return inside

    def runs_through(self, index: int) -> bool:
        """Whether the span ran from its start to its end, and is neither a generator nor a composite span.

        >>> trace.runs_through(trace.finished_steps[0])
        True
        """
        inside_ns = self.busy_ns[index] + self.own_inside_ns[index]
        return inside_ns == self.end_ns[index] - self.start_ns[index]

    def unfinished(self, index: int) -> bool:
        """Whether the span never ended; ``end_ns`` is then the last time at which it was known to go on.

        >>> [trace[span].name for span in range(len(trace)) if trace.unfinished(span)]
        ['simulation.run', 'simulation.step']
        """
        return bool(self.raw.unfinished[index])


@dataclass(frozen=True, eq=False, repr=False)
class RawColumns:
    """Columns that stay as they were in the file, and are decoded one span at a time.

    ``single_rows`` and ``clocked_ns`` are None where nobody has read them yet.
    """

    span_id: array[int]
    trace_id: array[int]
    kind: array[int]
    by_api: bytearray
    unfinished: bytearray
    attributes: List[bytes]
    single_rows: Optional[array[int]] = None
    clocked_ns: Optional[array[int]] = None
    events: Dict[int, bytes] = field(default_factory=dict)
    status: Dict[int, bytes] = field(default_factory=dict)
    trace_ids: Tuple[str, ...] = ("",)
    odd_ids: Mapping[int, str] = field(default_factory=dict)
