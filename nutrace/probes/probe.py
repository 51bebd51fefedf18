"""What is traced, as data: a :class:`Probe` is a declaration and does nothing by itself.

The engine (:mod:`nutrace.probes.engine`) applies probes, and the catalogue lists them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Tuple

from nutrace.errors import ProbeError
from nutrace.patching.switch import Switch
from nutrace.semconv import COMPONENTS
from nutrace.settings import LEVELS

_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w]*(\.[A-Za-z_]\w*)*\Z")

#: Reads attributes off a call: ``(instance, args, kwargs) -> {name: value}``. It runs before the call, in
#: the program's thread, so it must be cheap. An error in it is counted as a fault and never raised.
Note = Callable[[Any, Tuple[Any, ...], Mapping[str, Any]], Mapping[str, Any]]
#: Reads attributes off a result: ``(instance, result) -> {name: value}``. It runs after the call; for a
#: bracketed pair after the call that closes it.
NoteResult = Callable[[Any, Any], Mapping[str, Any]]
#: Makes a replacement: ``(original, switch) -> replacement``.
Make = Callable[[Any, Switch], Any]


@dataclass(frozen=True)
class Probe:
    """One function, method or pair of calls that becomes spans.

    >>> probe = nutrace.Probe("json.encoder:JSONEncoder.encode", component="serialization")
    >>> session = nutrace.instrument(nutrace.Settings(output="encoded.json", summary=False), probes=[probe])
    >>> import json
    >>> text = json.dumps([1, 2, 3])
    >>> nutrace.load(nutrace.uninstrument()).costs().calls.to_dict()
    {('JSONEncoder.encode', 'serialization'): 1}

    Parameters
    ----------
    target:
        ``"package.module:Class.method"`` or ``"package.module:function"``.
    component:
        One of :data:`nutrace.semconv.COMPONENTS`.
    name:
        Span name, low in cardinality; ``None`` takes the target's qualified name.
        With ``subclasses`` all classes share it (``planner.compute``); which class ran is in the span's
        ``code.function.name``.
    level:
        The coarsest level at which the probe is active: ``coarse``, ``normal`` or ``fine``.
    subclasses:
        Trace the overriding methods of every subclass, wherever and whenever it is made, and the target
        itself unless it is abstract. Methods that do nothing get no span.
    without:
        Subclasses, as ``"package.module:Class"``, that get no span because they only hand the call on.
    until:
        Makes a bracketed pair: the target opens the span and the call of ``until`` (written as ``target``
        is) closes it. Both calls lie inside the span.
    note, note_result:
        Readers of attributes, see :data:`Note` and :data:`NoteResult`.
    make:
        Makes the replacement from the target and the switch, which is true while probes record. For
        targets that need more than a span around each call.
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
    make: Optional[Make] = None
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
        """The target's module, dotted.

        >>> nutrace.Probe("my_planner.sampling:Sampler.propose", component="planner").module
        'my_planner.sampling'
        """
        return self.target.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The target's qualified name in its module.

        >>> nutrace.Probe("my_planner.sampling:Sampler.propose", component="planner").qualname
        'Sampler.propose'
        """
        return self.target.partition(":")[2]

    @property
    def span_name(self) -> str:
        """The name of its spans.

        >>> nutrace.Probe("my_planner.sampling:Sampler.propose", name="planner.propose").span_name
        'planner.propose'
        """
        return self.name or self.qualname
