"""The connection pool: how long checkouts wait, what connecting costs, how long connections are in use."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import Any, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.probes.blocks import timed
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.sqlalchemy.statements import system_of
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import tally
from nutrace.recording.span import CallSite, process_state
from nutrace.recording.stopwatch import struck

#: How long each connect took within the checkout that is under way, in nanoseconds.
_connects: ContextVar[Optional[List[int]]] = ContextVar("nutrace_connects", default=None)
#: When each connection was checked out (a clock reading), by the pool's record of it.
_checked_out: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
_sites: Dict[Tuple[str, str, str], CallSite] = {}
_MOST = 1000


def checkout(original: Any, switch: Switch) -> Any:
    """The replacement of ``_ConnectionFairy._checkout``, through which every pool gives out connections."""
    return put_around(original, _checkout, switch)


def connect(original: Any, switch: Switch) -> Any:
    """The replacement of ``_ConnectionRecord.__connect``, which asks the driver for a new connection."""
    return put_around(original, _connect, switch)


def checkin(original: Any, switch: Switch) -> Any:
    """The replacement of ``_ConnectionRecord.checkin``."""
    return put_around(original, _checkin, switch)


def note_invalidate(record: Any, args: Args, kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """Note the type of the error that broke a connection, and whether its work may end first."""
    error = args[0] if args else kwargs.get("e")
    soft = args[1] if len(args) > 1 else kwargs.get("soft", False)
    attributes: Dict[str, Any] = {semconv.POOL_SOFT: bool(soft)}
    if error is not None:
        attributes["exception.type"] = type(error).__qualname__
    return attributes


def _checkout(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    if (args[3] if len(args) > 3 else kwargs.get("fairy")) is not None:
        return wrapped(*args, **kwargs)  # the thread already has it
    since = now_ns(), struck()
    pool = args[1] if len(args) > 1 else kwargs.get("pool")
    connects: List[int] = []
    token = _connects.set(connects)
    try:
        fairy, span = timed(_site(semconv.CHECKOUT_SPAN, pool), wrapped, args, kwargs)
    finally:
        _connects.reset(token)
    try:
        record = fairy._connection_record
        if record is not None:
            _checked_out[record] = span.ended
        waited_ns = max(0, span.ended - span.started - sum(connects))
        tally(span, {semconv.POOL_WAIT_NS: waited_ns}, since=since)
    except Exception:
        process_state.fault("recording a checkout")
    return fairy


def _connect(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    since = now_ns(), struck()
    result, span = timed(_site(semconv.ALCHEMY_CONNECT_SPAN, _pool_of(args[0])), wrapped, args, kwargs)
    connects = _connects.get()
    if connects is not None:
        connects.append(span.ended - span.started)
    tally(span, since=since)
    return result


def _checkin(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    since = now_ns(), struck()
    checked_out = _checked_out.pop(args[0], None)
    result, span = timed(_site(semconv.CHECKIN_SPAN, _pool_of(args[0])), wrapped, args, kwargs)
    numbers = {} if checked_out is None else {semconv.POOL_IN_USE_NS: span.started - checked_out}
    tally(span, numbers, since=since)
    return result


def _pool_of(record: Any) -> Any:
    """The pool of a connection record; the record's class has a private name for it."""
    return getattr(record, "_ConnectionRecord__pool", None)


def _site(name: str, pool: Any) -> CallSite:
    kind = type(pool).__name__
    dialect = getattr(pool, "_dialect", None)
    system = system_of(dialect) if isinstance(getattr(dialect, "name", None), str) else ""
    site = _sites.get((name, kind, system))
    if site is None:
        attributes = {semconv.POOL_CLASS: kind}
        if system:
            attributes[semconv.DB_SYSTEM] = system
        site = CallSite(name, "database", kind=3, attributes=attributes)
        if len(_sites) < _MOST:
            _sites[name, kind, system] = site
    return site
