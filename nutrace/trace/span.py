"""The small objects that a trace consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from nutrace import semconv
from nutrace.trace.bounds import text

_PID_DIGITS = 10
#: The code of a :class:`Status` that says that an error left the span.
ERROR = 2


@dataclass(frozen=True)
class Resource:
    """One process of a run, as its OTLP resource describes it."""

    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> Optional[int]:
        """``process.pid``, if the resource has it."""
        pid = str(self.attributes.get("process.pid"))
        return int(pid) if pid.isascii() and pid.isdigit() and len(pid) <= _PID_DIGITS else None

    @property
    def host(self) -> str:
        """``host.name``; "" if the resource has none."""
        return text(self.attributes.get(semconv.HOST_NAME))


@dataclass(frozen=True)
class ThreadKey:
    """A thread of a process, or a lane beside it.

    ``resource`` indexes :attr:`Trace.resources`. Lane 0 is the thread itself; spans that cannot be nested
    there (asyncio tasks, or after a clock was set) have lanes 1, 2, ...
    """

    resource: int = 0
    thread_id: int = 0
    name: str = ""
    lane: int = 0


@dataclass(frozen=True)
class Event:
    """Something that happened during a span, at a time in Unix ns."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """OTLP status: code 0 unset, 1 ok, 2 error."""

    code: int = 0
    message: str = ""
