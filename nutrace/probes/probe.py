"""What is wrapped, said as data: a :class:`Probe` is a declaration and does nothing.

The engine (:mod:`nutrace.probes.engine`) applies probes; the catalogue lists them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Tuple

from nutrace.errors import ProbeError
from nutrace.probes.switch import Switch
from nutrace.semconv import COMPONENTS

LEVELS = ("coarse", "normal", "fine")

_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w]*(\.[A-Za-z_]\w*)*\Z")

#: Reads attributes off a call: ``(instance, args, kwargs) -> {name: value}``; runs before the
#: call, in the program's thread, so it must be cheap. A fault in it is counted, never raised.
Note = Callable[[Any, "tuple[Any, ...]", "Mapping[str, Any]"], "Mapping[str, Any]"]
#: Reads attributes off a result: ``(instance, result) -> {name: value}``; runs after the call.
NoteResult = Callable[[Any, Any], "Mapping[str, Any]"]
#: Makes a replacement: ``(original, switch) -> replacement``.
StandIn = Callable[[Any, "Switch"], Any]


@dataclass(frozen=True)
class Probe:
    """One function, method or pair of calls that becomes spans.

    Parameters
    ----------
    target:
        ``"package.module:Class.method"`` or ``"package.module:function"``.
    component:
        One of :data:`nutrace.semconv.COMPONENTS`.
    name:
        Span name, low in cardinality; ``None`` takes the target's qualified name.
        With ``subclasses`` it is the family's name (``planner.compute``); which class ran is
        in the span's ``code.function.name``.
    level:
        The coarsest level at which the probe is active: ``coarse``, ``normal`` or ``fine``.
    subclasses:
        Wrap overriding methods of every subclass as it is created, wherever it lives, and
        the target itself unless it is abstract.
    without:
        Subclasses, as ``"package.module:Class"``, that get no span: they hand the call on, and no more.
    until:
        Makes a bracketed pair: the target opens the span and the call of ``until`` (same
        syntax as ``target``) closes it. Both calls lie inside the span.
    note, note_result:
        Readers of attributes, see :data:`Note` and :data:`NoteResult`.
    stand_in:
        Makes what stands in the target's place, from the target and the switch (which holds
        something while probes record): for targets that need more than a span around each call.
    distribution:
        Documentation only: which package has the target (``nuplan-devkit``, ``sqlite3``).

    Raises
    ------
    ProbeError
        If target, component or level cannot be right.
    """

    target: str
    component: str = "other"
    name: Optional[str] = None
    level: str = "normal"
    subclasses: bool = False
    without: Tuple[str, ...] = ()
    until: Optional[str] = None
    note: Optional[Note] = None
    note_result: Optional[NoteResult] = None
    stand_in: Optional[StandIn] = None
    distribution: str = ""

    def __post_init__(self) -> None:
        for target in (self.target, self.until):
            if target is not None and not _TARGET.match(target):
                raise ProbeError(f"bad probe target {target!r}: write package.module:Class.method")
        for left_out in self.without:
            if ":" not in left_out:
                raise ProbeError(f"bad class {left_out!r} in without: write package.module:Class")
        if self.component not in COMPONENTS:
            raise ProbeError(f"unknown component {self.component!r}: use one of {', '.join(COMPONENTS)}")
        if self.level not in LEVELS:
            raise ProbeError(f"unknown level {self.level!r}: use one of {', '.join(LEVELS)}")

    @property
    def module(self) -> str:
        """The target's module, dotted."""
        return self.target.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The target's qualified name in its module."""
        return self.target.partition(":")[2]

    @property
    def span_name(self) -> str:
        """The name that its spans bear."""
        return self.name or self.qualname
