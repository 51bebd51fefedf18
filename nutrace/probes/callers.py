"""Who copies what: a site for each place in the program that calls, and each type it calls for.

A place is a code object and an instruction in it, known by their ids: a code object's hash takes
longer than all the rest, and equal code of two files would be one. Types are held weakly, so that
nutrace keeps none of the program's classes alive.
"""

from __future__ import annotations

import copyreg
import threading
import weakref
from types import CodeType, FrameType, FunctionType
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.probes.wrapped import ProbedCallable, ProbedFunction
from nutrace.recording.span import CallSite, process_state

_MOST = 10_000  # sites of one name; whoever calls beyond that shares one
_OTHERS = "…other callers"
_DEEPEST = 3  # classes within classes
_OWN = ("nutrace.probes.", "nutrace.recording.", "nutrace.speedups.")  # whose copies are not the program's

_Known = Tuple[Optional[CallSite], Optional[CodeType], Any]


class CallerSites:
    """The sites of one kind of copy.

    Parameters
    ----------
    name:
        Span name.
    dispatch, method:
        What the copying function looks at first: its table of built-in types and its special
        method, for ``nutrace.copy.through``; pickle's are its own business.
    """

    def __init__(self, name: str, dispatch: Mapping[Any, Any] = {}, method: str = "") -> None:
        self._name = name
        self._dispatch = dispatch
        self._method = method
        self._known: Dict[Tuple[int, int, int], _Known] = {}
        self._sites: Dict[Tuple[Any, ...], CallSite] = {}
        self._twins: Dict[Tuple[CallSite, int], Tuple[CallSite, Any]] = {}
        self._lock = threading.RLock()
        self._others = CallSite(name, "deepcopy", function=_OTHERS)

    def find(self, frame: Optional[FrameType], cls: type) -> Optional[CallSite]:
        """The site of a call made by `frame` for an object of type `cls`; none for nutrace's own calls."""
        if frame is None:  # a thread that begins with the call
            code, place = None, -1
        else:
            code, place = frame.f_code, frame.f_lasti
        key = (id(code), place, id(cls))
        known = self._known.get(key)
        if known is not None and known[2]() is cls:
            return known[0]
        try:
            site = self._make(frame, cls)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (site, code, weakref.ref(cls))
        except Exception:  # law 1: names and classes are the program's own and may be anything
            process_state.fault(f"finding the caller of {self._name}")
            return self._others
        return site

    def at_depth(self, site: CallSite, depth: int) -> CallSite:
        """The twin of `site` for roots with `depth` levels of roots nested in them."""
        function, file, line = site.target
        attributes = {**site.attributes, semconv.COPY_DEPTH: depth}
        return self._shared((site, depth), function, file, line, attributes)

    def retyped(self, site: CallSite, cls: type) -> CallSite:
        """The twin of `site` for another type."""
        known = self._twins.get((site, id(cls)))
        if known is not None and known[1]() is cls:
            return known[0]
        try:
            name = name_of(cls)
            twin = self._shared((*site.target, name), *site.target, {semconv.COPY_ROOT_TYPE: name})
            if len(self._twins) >= _MOST:
                self._twins.clear()
            self._twins[site, id(cls)] = (twin, weakref.ref(cls))
        except Exception:  # law 1: classes are the program's own and may be anything
            process_state.fault(f"naming a type for {self._name}")
            return site
        return twin

    def _make(self, frame: Optional[FrameType], cls: type) -> Optional[CallSite]:
        function, file, line = "", "", 0
        if frame is not None:
            module = frame.f_globals.get("__name__")
            if isinstance(module, str) and module.startswith(_OWN):
                return None
            function, file, line = place_of(frame)
        type_name = name_of(cls)
        attributes = {semconv.COPY_ROOT_TYPE: type_name}
        if self._method:
            attributes[semconv.COPY_THROUGH] = self._through(cls)
        return self._shared((function, file, line, type_name), function, file, line, attributes)

    def _shared(
        self, key: Tuple[Any, ...], function: str, file: str, line: int, attributes: Mapping[str, Any]
    ) -> CallSite:
        with self._lock:
            site = self._sites.get(key)
            if site is None:
                if len(self._sites) >= _MOST:
                    return self._others
                site = CallSite(
                    self._name, "deepcopy", function=function, file=file, line=line, attributes=attributes
                )
                self._sites[key] = site
            return site

    def _through(self, cls: type) -> str:
        """How the copying function copies an instance of `cls`, in the order that it looks."""
        if cls in self._dispatch or issubclass(cls, type):
            return "builtin"
        if any(self._method in vars(base) for base in cls.__mro__):
            return self._method
        return "copyreg" if cls in copyreg.dispatch_table else "__reduce_ex__"


def name_of(cls: type) -> str:
    """``module.QualifiedName``, bare for built-in types; as exceptions are named."""
    module, name = str(cls.__module__), str(cls.__qualname__)
    return name if module == "builtins" else f"{module}.{name}"


def place_of(frame: FrameType) -> Tuple[str, str, int]:
    """Where a frame stands: function with its module, file, line."""
    module = frame.f_globals.get("__name__")
    name = _qualified_name(frame)
    return f"{module}.{name}" if module else name, frame.f_code.co_filename, frame.f_lineno


def _qualified_name(frame: FrameType) -> str:
    """The running function's; before Python 3.11 code objects do not know it, its module may."""
    code = frame.f_code
    name = getattr(code, "co_qualname", None)
    if name is not None:
        return str(name)
    for function in _functions(frame.f_globals, str(frame.f_globals.get("__name__")), _DEEPEST):
        if function.__code__ is code:
            return function.__qualname__
    return code.co_name


def _functions(names: Mapping[str, Any], module: str, depth: int) -> Iterator[FunctionType]:
    """The functions of a module and of the classes in it, without running anything of theirs."""
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
            inner = inner.__wrapped__
        while type(inner) is FunctionType:
            yield inner
            inner = vars(inner).get("__wrapped__")  # the decorated one
