"""One span of a trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.trace.bounds import text, whole
from nutrace.trace.span import Event, Status, ThreadKey
from nutrace.trace.views import Picture, is_registered, views

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace


@dataclass(frozen=True, repr=False)
class SpanView:
    """One span of a trace: a view of its columns.

    >>> step = trace.slowest(1)[0][0]  # the first span of the slowest step
    >>> step.name, step.attributes["nutrace.step.index"]
    ('simulation.step', 8)
    >>> [(span.name, round(span.total_ns / 1e6, 1)) for span in step.children]  # milliseconds
    [('simulation.get_planner_input', 5.0), ('planner.compute', 59.6), ('simulation.propagate', 105.8)]

    Attributes
    ----------
    trace:
        The trace that it is of.
    index:
        Its number there: the label of its row in ``trace.spans()``.
    """

    trace: Trace
    index: int

    @property
    def name(self) -> str:
        """Span name.

        >>> trace[8].name
        'simulation.run'
        """
        return self.trace.name[self.index]

    @property
    def component(self) -> str:
        """Component; "other" for spans without one.

        >>> trace.find("sqlite3.statement")[0].component
        'database'
        """
        return self.trace.component[self.index]

    @property
    def start_ns(self) -> int:
        """Start, Unix ns.

        >>> (trace[8].start_ns - trace.begin_ns) / 1e9  # seconds since the first span began
        34.0
        """
        return self.trace.start_ns[self.index]

    @property
    def end_ns(self) -> int:
        """End, Unix ns.

        >>> (trace[8].end_ns - trace[8].start_ns) / 1e6  # milliseconds from start to end
        1992.656804
        """
        return self.trace.end_ns[self.index]

    @property
    def total_ns(self) -> int:
        """Cost in ns: the time inside the span, its children's included.

        >>> trace.find("planner.compute")[0].total_ns / 1e6  # milliseconds
        5.108333
        """
        return self.trace.busy_ns[self.index]

    @property
    def self_ns(self) -> int:
        """Cost in ns without the children on the same thread.

        >>> trace.step("51c3", 2)[0].self_ns / 1e6  # milliseconds of the step in none of its parts
        10.4631
        """
        return self.trace.self_ns[self.index]

    @property
    def own_ns(self) -> int:
        """nutrace's own time that was taken out of ``self_ns``, in ns.

        >>> trace.step("51c3", 2)[0].own_ns / 1e3  # microseconds
        4.652
        """
        return self.trace.own_ns[self.index]

    @property
    def calls(self) -> int:
        """How many calls the span stands for.

        >>> trace.find("planner.compute")[0].calls
        1
        """
        return self.trace.calls[self.index]

    @property
    def yielded(self) -> int:
        """Values yielded by a generator, else 0.

        >>> trace.find("planner.compute")[0].yielded
        0
        """
        return self.trace.yielded[self.index]

    @property
    def depth(self) -> int:
        """Number of ancestors.

        >>> trace[8].depth, trace[9].depth
        (0, 1)
        """
        return self.trace.depth[self.index]

    @property
    def parent(self) -> Optional[SpanView]:
        """The parent, None for a root.

        >>> trace[9].parent.name
        'simulation.run'
        """
        parent = self.trace.parent[self.index]
        return None if parent < 0 else SpanView(self.trace, parent)

    @property
    def children(self) -> Tuple[SpanView, ...]:
        """The children by start.

        >>> [span.name for span in trace.step("51c3", 2)[0].children]
        ['simulation.get_planner_input', 'planner.compute', 'simulation.propagate']
        """
        return tuple(SpanView(self.trace, child) for child in self.trace.children(self.index))

    @property
    def ancestors(self) -> Tuple[SpanView, ...]:
        """The spans that it lies in, the parent first and the root last.

        >>> [span.name for span in trace.step("51c3", 2)[4].ancestors]
        ['scenario.get_time_point', 'simulation.get_planner_input', 'simulation.step']
        """
        found = []
        above = self.parent
        while above is not None:
            found.append(above)
            above = above.parent
        return tuple(found)

    @property
    def path(self) -> Tuple[str, ...]:
        """The names from the root down to this span.

        >>> trace.step("51c3", 2)[4].path  # a span of a part has the path in that part
        ('simulation.step', 'simulation.get_planner_input', 'scenario.get_time_point', 'sqlite3.statement')
        """
        return (*(span.name for span in reversed(self.ancestors)), self.name)

    def walk(self) -> Iterator[SpanView]:
        """This span and all spans below it, parents before their children.

        >>> [span.name for span in trace.step("51c3", 2).find("traffic light")[0].walk()]
        ['scenario.get_traffic_light_status_at_iteration', 'sqlite3.statement', 'sqlite3.close']
        """
        return (
            SpanView(self.trace, index) for index in range(self.index, self.trace.subtree_end[self.index])
        )

    def subtree(self) -> Trace:
        """This span with all spans below it as a trace of its own.

        >>> trace.step("51c3", 2)[0].children[1].subtree().name
        ['planner.compute']
        """
        from nutrace.trace.selection import narrowed, subtrees  # which makes traces, and so imports them

        words = narrowed(self.trace, f"span {self.index}")
        return replace(subtrees(self.trace, [self.index]), selection=words)

    def tree(self, depth: Optional[int] = None, at_least_ms: float = 0.0) -> Picture:
        """The call tree of this span, from itself on; see :meth:`nutrace.Trace.tree`.

        >>> print(trace.where(name="simulation.propagate")[0].tree(depth=0))
        name simulation.propagate, span 0 of run.json: 12.6 ms in 10 spans
        <BLANKLINE>
          share  total ms  self ms  calls  span
        100.0 %     12.61     1.88      1  simulation.propagate
         85.1 %     10.73                  └─ … 4 more

        Parameters
        ----------
        depth, at_least_ms:
            The levels below this span that are shown, and the least total time of a row, in milliseconds.

        Raises
        ------
        UsageError
            If a number is below 0.
        """
        return views().tree_below(self.subtree(), depth, at_least_ms)

    def __repr__(self) -> str:
        total_ms, below = self.total_ns / 1e6, self.trace.subtree_end[self.index] - self.index - 1
        return f"<Span {self.index} {self.name!r}: {self.component}, {total_ms:.3f} ms, {below:,} below>"

    def _repr_html_(self) -> Optional[str]:
        return views().span_card(self) if is_registered() else None

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The span's attributes, read-only.

        >>> trace[8].attributes["nuplan.scenario.type"]
        'traversing_pickup_dropoff'
        """
        return self.trace.attributes(self.index)

    @property
    def events(self) -> Tuple[Event, ...]:
        """The span's events.

        >>> trace.find("planner.compute")[0].events  # none; an error that leaves a span is an event
        ()
        """
        return self.trace.events(self.index)

    @property
    def status(self) -> Status:
        """The span's status.

        >>> trace[8].status
        Status(code=0, message='')
        """
        return self.trace.status(self.index)

    @property
    def unfinished(self) -> bool:
        """Whether the span never ended.

        >>> [scenario.token for scenario in trace.simulations if trace[scenario.span].unfinished]
        ['c27db4ecf72c2c26']
        """
        return self.trace.unfinished(self.index)

    @property
    def thread(self) -> ThreadKey:
        """The thread it ran on.

        >>> trace.find("planner.compute")[0].thread
        ThreadKey(resource=2, thread_id=2001, name='', lane=0)
        """
        return self.trace.threads[self.trace.thread[self.index]]

    @property
    def function(self) -> str:
        """``code.function.name``, or "" if the span has none.

        >>> trace.find("planner.compute")[0].function
        'nuplan.planning.simulation.planner.idm_planner.IDMPlanner.compute_planner_trajectory'
        """
        return text(self.attributes.get(semconv.CODE_FUNCTION))

    @property
    def file(self) -> str:
        """``code.file.path``, or "".

        >>> trace.find("planner.compute")[0].file
        '/home/user/nuplan-devkit/nuplan/planning/simulation/planner/idm_planner.py'
        """
        return text(self.attributes.get(semconv.CODE_FILE))

    @property
    def line(self) -> int:
        """``code.line.number``, or 0.

        >>> trace.find("planner.compute")[0].line
        67
        """
        return max(whole(self.attributes.get(semconv.CODE_LINE)), 0)
