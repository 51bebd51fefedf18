"""One span of a trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.trace.bounds import text, whole
from nutrace.trace.span import Event, Status, ThreadKey

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace


@dataclass(frozen=True)
class SpanView:
    """One span of a trace: a view of its columns."""

    trace: Trace
    index: int

    @property
    def name(self) -> str:
        """Span name."""
        return self.trace.name[self.index]

    @property
    def component(self) -> str:
        """Component; "other" for spans without one."""
        return self.trace.component[self.index]

    @property
    def start_ns(self) -> int:
        """Start, Unix ns."""
        return self.trace.start_ns[self.index]

    @property
    def end_ns(self) -> int:
        """End, Unix ns."""
        return self.trace.end_ns[self.index]

    @property
    def total_ns(self) -> int:
        """Cost in ns: the time inside the span, its children's included."""
        return self.trace.busy_ns[self.index]

    @property
    def self_ns(self) -> int:
        """Cost in ns without the children on the same thread."""
        return self.trace.self_ns[self.index]

    @property
    def own_ns(self) -> int:
        """nutrace's own time that was taken out of ``self_ns``, in ns."""
        return self.trace.own_ns[self.index]

    @property
    def calls(self) -> int:
        """How many calls the span stands for."""
        return self.trace.calls[self.index]

    @property
    def yielded(self) -> int:
        """Values yielded by a generator, else 0."""
        return self.trace.yielded[self.index]

    @property
    def depth(self) -> int:
        """Number of ancestors."""
        return self.trace.depth[self.index]

    @property
    def parent(self) -> Optional[SpanView]:
        """The parent, None for a root."""
        parent = self.trace.parent[self.index]
        return None if parent < 0 else SpanView(self.trace, parent)

    @property
    def children(self) -> Tuple[SpanView, ...]:
        """The children by start."""
        return tuple(SpanView(self.trace, child) for child in self.trace.children(self.index))

    @property
    def ancestors(self) -> Tuple[SpanView, ...]:
        """The spans that it lies in, the parent first and the root last."""
        found = []
        above = self.parent
        while above is not None:
            found.append(above)
            above = above.parent
        return tuple(found)

    @property
    def path(self) -> Tuple[str, ...]:
        """The names from the root down to this span.

        >>> trace.find("lights")[0].path  # a span of a part has the path in that part
        ('scenario.get_traffic_lights',)
        """
        return (*(span.name for span in reversed(self.ancestors)), self.name)

    def walk(self) -> Iterator[SpanView]:
        """This span and all spans below it, parents before their children.

        >>> [span.name for span in trace.step(1).find("lights")[0].walk()]
        ['scenario.get_traffic_lights', 'sqlite3.statement']
        """
        return (
            SpanView(self.trace, index) for index in range(self.index, self.trace.subtree_end[self.index])
        )

    def subtree(self) -> Trace:
        """This span with all spans below it as a trace of its own."""
        from nutrace.trace.selection import subtrees  # which makes traces, and so imports them

        return replace(subtrees(self.trace, [self.index]), selection=self._words())

    def _words(self) -> str:
        return ", ".join(each for each in (self.trace.selection, f"span {self.index}") if each)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The span's attributes, read-only."""
        return self.trace.attributes(self.index)

    @property
    def events(self) -> Tuple[Event, ...]:
        """The span's events."""
        return self.trace.events(self.index)

    @property
    def status(self) -> Status:
        """The span's status."""
        return self.trace.status(self.index)

    @property
    def unfinished(self) -> bool:
        """Whether the span never ended."""
        return self.trace.unfinished(self.index)

    @property
    def thread(self) -> ThreadKey:
        """The thread it ran on."""
        return self.trace.threads[self.trace.thread[self.index]]

    @property
    def function(self) -> str:
        """``code.function.name``, or "" if the span has none."""
        return text(self.attributes.get(semconv.CODE_FUNCTION))

    @property
    def file(self) -> str:
        """``code.file.path``, or ""."""
        return text(self.attributes.get(semconv.CODE_FILE))

    @property
    def line(self) -> int:
        """``code.line.number``, or 0."""
        return max(whole(self.attributes.get(semconv.CODE_LINE)), 0)
