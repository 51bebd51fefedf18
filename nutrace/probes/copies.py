"""Stand-ins for ``copy.copy``, ``pickle.dumps`` and ``pickle.loads``: a span for each call, by caller.

They are no deep copies, and are often taken for one. Picklers of a program's own (Ray's, cloudpickle's,
``multiprocessing``'s) are left alone.
"""

from __future__ import annotations

import copy as copying
import functools
import sys
import types
import weakref
from contextlib import suppress
from typing import Any, FrozenSet, Mapping, Optional

from nutrace import semconv
from nutrace.probes.blocks import close_dangling
from nutrace.probes.callers import CallerSites
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_below
from nutrace.recording.span import CallSite, Span, process_state
from nutrace.recording.tally import settle, tick, tick_span

#: Copies of these are themselves, made without running any code of the program's.
ATOMIC: FrozenSet[Any] = frozenset(
    {
        *(type(None), type(...), type(NotImplemented), bool, int, float, complex, bytes, str, type),
        *(types.FunctionType, types.BuiltinFunctionType, types.CodeType, property, weakref.ref),
    }
)
#: Neither do shallow copies of these run any.
_SHALLOW = ATOMIC | {list, dict, set, bytearray, tuple, frozenset, range, slice}
_NO_NUMBERS: Mapping[str, int] = {}


def shallow(original: Any, switch: Switch) -> Any:
    """A function like `original`, which is ``copy.copy``."""
    sites = CallerSites(semconv.COPY_SPAN, getattr(copying, "_copy_dispatch", {}), "__copy__")
    get = current.get
    clock = now_ns

    @functools.wraps(original)
    def copy(x: Any) -> Any:
        if not switch:
            return original(x)
        cls = type(x)
        try:
            site = sites.find(sys._getframe(1), cls)
        except ValueError:  # nobody's: a thread that begins with this call
            site = sites.find(None, cls)
        if site is None:
            return original(x)
        if cls not in _SHALLOW:
            return _traced(site, None, original, (x,), {})
        state = get()
        began = clock()
        y = original(x)
        ended = clock()
        if not tick(site, state, began, ended):  # type: ignore[arg-type]
            stand_for(site, state, began, ended)
        return y

    return copy


def dumps(original: Any, switch: Switch) -> Any:
    """What behaves as `original`, which is ``pickle.dumps``, a built-in: no method, pickled by name."""
    sites = CallerSites(semconv.PICKLE_SPAN)

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        site = _site(sites, type(args[0] if args else kwargs.get("obj")))
        if site is None:
            return wrapped(*args, **kwargs)
        return _traced(site, None, wrapped, args, kwargs)

    return put_around(original, traced, switch)


def loads(original: Any, switch: Switch) -> Any:
    """What behaves as `original`, which is ``pickle.loads``; the type is that of what comes out."""
    sites = CallerSites(semconv.UNPICKLE_SPAN)

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        site = _site(sites, type(args[0] if args else None))
        if site is None:
            return wrapped(*args, **kwargs)
        return _traced(site, sites, wrapped, args, kwargs)

    return put_around(original, traced, switch)


def _site(sites: CallerSites, cls: type) -> Optional[CallSite]:
    """The site of what called the wrapper: wrapt has no frame of its own between them."""
    try:
        return sites.find(sys._getframe(2), cls)
    except ValueError:
        return sites.find(None, cls)


def _traced(site: CallSite, sites: Optional[CallerSites], call: Wrapped, args: Args, kwargs: Kwargs) -> Any:
    """Call, with a span around it; with `sites` the result's type takes the place of the argument's."""
    state = current.get()
    span = span_below(site, state)
    current.set(span)
    try:
        span.started = now_ns()
        result = call(*args, **kwargs)
        span.ended = now_ns()
        if sites is not None:
            span.site = sites.retyped(site, type(result))
    except BaseException as error:
        span.ended = now_ns()
        span.fail(error)
        raise
    finally:
        current.set(state)
        if not tick_span(span):
            _emit(span, _NO_NUMBERS)
    return result


def stand_for(
    site: CallSite, state: Any, began: int, ended: int, numbers: Mapping[str, int] = _NO_NUMBERS
) -> None:
    """Record a call that no span stood around, as no code of the program's ran in it."""
    span = span_below(site, state)
    span.started, span.ended = began, ended
    _emit(span, numbers)


def _emit(span: Span, numbers: Mapping[str, int]) -> None:
    try:
        if span.details is not None:
            close_dangling(span)
        settle(span, numbers=numbers)
    except Exception:  # law 1: the copy was made, and the program gets it
        with suppress(Exception):  # at the limit of recursion this fails as well
            process_state.fault("recording a copy")
