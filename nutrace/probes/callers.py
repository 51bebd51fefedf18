"""Which place in the program makes a call, and the call site for it.

A place is a code object and an instruction in it. Hashing a code object takes longer than everything
else here, so places are looked up by ``id(code)``, and a weak reference tells whether that id still
belongs to the same code. Nothing of the program is kept alive.
"""

from __future__ import annotations

import sys
import threading
import weakref
from types import CodeType, FrameType, FunctionType
from typing import Any, Dict, Hashable, Iterator, Mapping, Optional, Tuple

from nutrace.probes.wrapped import ProbedCallable, ProbedFunction
from nutrace.recording.span import CallSite

_MOST = 10_000  # call sites of one name; calls from other places share one
_OTHER_CALLERS = "…other callers"
_DEEPEST = 3  # classes within classes

_OURS = ("nutrace.probes", "nutrace.recording", "nutrace.patching", "nutrace.speedups")
#: Packages between a program and sqlite3.
_DRIVERS = ("sqlite3", "_sqlite3", "sqlalchemy", "wrapt", "opentelemetry")

Place = Tuple[str, str, int]  # function with its module, file, line
_NOWHERE: Place = ("", "", 0)


class _ModuleNames(Dict[Any, bool]):
    """By module name: whether its frames are passed over, as nutrace's own or a driver's."""

    def __init__(self, drivers: Tuple[str, ...]) -> None:
        super().__init__()
        self._drivers = drivers

    def __missing__(self, name: Any) -> bool:
        passed_over = isinstance(name, str) and (
            name.startswith(_OURS) or name.partition(".")[0] in self._drivers
        )
        if len(self) < _MOST:
            self[name] = passed_over
        return passed_over


_is_ours = _ModuleNames(())
_is_between = _ModuleNames(_DRIVERS)


def is_ours(frame: Optional[FrameType]) -> bool:
    """Whether nutrace itself makes the call."""
    return frame is not None and _is_ours[frame.f_globals.get("__name__")]


def calling_frame() -> Optional[FrameType]:
    """The innermost frame of the program: the first that is neither nutrace's nor a database driver's.

    None in a thread that begins with the call.
    """
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and _is_between[frame.f_globals.get("__name__")]:
        frame = frame.f_back
    return frame


class CallSites:
    """The call sites of one kind of call: one for each place in the program and `key`.

    Parameters
    ----------
    name, component, kind:
        What their spans are.
    attributes:
        Of the call site that is shared when there are too many places.
    """

    def __init__(
        self, name: str, component: str, *, kind: int = 1, attributes: Optional[Mapping[str, Any]] = None
    ) -> None:
        self.name = name
        self._component = component
        self._kind = kind
        self._known: Dict[Tuple[int, int, Hashable], Tuple[CallSite, Any]] = {}
        self._sites: Dict[Tuple[Place, Hashable], CallSite] = {}
        self._lock = threading.RLock()
        self.others = CallSite(name, component, function=_OTHER_CALLERS, kind=kind, attributes=attributes)

    def find(self, frame: Optional[FrameType], key: Hashable) -> Optional[CallSite]:
        """The call site of a call that `frame` makes, if it was added."""
        if frame is None:
            return self._sites.get((_NOWHERE, key))
        code: CodeType = frame.f_code
        known = self._known.get((id(code), frame.f_lasti, key))
        return known[0] if known is not None and known[1]() is code else None

    def add(self, frame: Optional[FrameType], key: Hashable, attributes: Mapping[str, Any]) -> CallSite:
        """Make the call site that :meth:`find` did not find."""
        if frame is None:
            return self.at(_NOWHERE, key, attributes)
        site = self.at(place_of(frame), key, attributes)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[id(frame.f_code), frame.f_lasti, key] = (site, weakref.ref(frame.f_code))
        return site

    def at(self, place: Place, key: Hashable, attributes: Mapping[str, Any]) -> CallSite:
        """The call site of a place and `key`, made if it is new."""
        with self._lock:
            site = self._sites.get((place, key))
            if site is None:
                if len(self._sites) >= _MOST:
                    return self.others
                function, file, line = place
                site = self._sites[place, key] = CallSite(
                    self.name,
                    self._component,
                    function=function,
                    file=file,
                    line=line,
                    kind=self._kind,
                    attributes=attributes,
                )
            return site


def place_of(frame: FrameType) -> Place:
    """Where a frame is at this moment."""
    module = frame.f_globals.get("__name__")
    name = _qualified_name(frame)
    return f"{module}.{name}" if module else name, frame.f_code.co_filename, frame.f_lineno


def _qualified_name(frame: FrameType) -> str:
    """The running function's; code objects know it since Python 3.11, before that its module may."""
    code = frame.f_code
    name = getattr(code, "co_qualname", None)
    if name is not None:
        return str(name)
    for function in _functions(frame.f_globals, str(frame.f_globals.get("__name__")), _DEEPEST):
        if function.__code__ is code:
            return function.__qualname__
    return code.co_name


def _functions(names: Mapping[str, Any], module: str, depth: int) -> Iterator[FunctionType]:
    """The functions of a module and of the classes in it, read without running any of their code."""
    for value in list(names.values()):
        if issubclass(type(value), type):
            if depth and vars(value).get("__module__") == module:
                yield from _functions(vars(value), module, depth - 1)
            continue
        inner: Any = value
        if type(inner) in (classmethod, staticmethod):
            inner = inner.__func__
        elif type(inner) is property:
            inner = inner.fget
        if type(inner) in (ProbedFunction, ProbedCallable):
            inner = inner._self_function
        while type(inner) is FunctionType:
            yield inner
            inner = vars(inner).get("__wrapped__")  # the decorated one
