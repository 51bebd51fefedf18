"""The connection pool: how long a checkout waits, what connecting costs, how long connections are out."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import Any, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.sqlalchemy.statements import system_of
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, start_under_context
from nutrace.recording.span import Site, Span, home
from nutrace.recording.tally import settle

#: Connecting within the checkout that is going on here: each entry its nanoseconds.
_connects: ContextVar[Optional[List[int]]] = ContextVar("nutrace_connects", default=None)
#: Since when connections are out, by their pool's record of them.
_out: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
_sites: Dict[Tuple[str, str, str], Site] = {}
_MOST = 1000


def checkout(original: Any, switch: Switch) -> Any:
    """What stands in for ``_ConnectionFairy._checkout``, by which every pool gives connections out."""
    return put_around(original, _checkout, switch)


def connect(original: Any, switch: Switch) -> Any:
    """What stands in for ``_ConnectionRecord.__connect``: a new connection of the driver's."""
    return put_around(original, _connect, switch)


def checkin(original: Any, switch: Switch) -> Any:
    """What stands in for ``_ConnectionRecord.checkin``."""
    return put_around(original, _checkin, switch)


def note_invalidate(record: Any, args: Args, kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """Why a connection is thrown away: by whom it broke, and whether it may end its work first."""
    error = args[0] if args else kwargs.get("e")
    soft = args[1] if len(args) > 1 else kwargs.get("soft", False)
    noted: Dict[str, Any] = {semconv.POOL_SOFT: bool(soft)}
    if error is not None:
        noted["exception.type"] = type(error).__qualname__
    return noted


def _checkout(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    if (args[3] if len(args) > 3 else kwargs.get("fairy")) is not None:
        return wrapped(*args, **kwargs)  # one that the thread has already
    pool = args[1] if len(args) > 1 else kwargs.get("pool")
    state = current.get()
    span = _begin(semconv.CHECKOUT_SPAN, pool, state)
    connects: List[int] = []
    token = _connects.set(connects)
    try:
        fairy = wrapped(*args, **kwargs)
    except BaseException as error:
        _connects.reset(token)
        _failed(span, state, error)
        raise
    _connects.reset(token)
    span.ended = now_ns()
    current.set(state)
    try:
        record = fairy._connection_record
        if record is not None:
            _out[record] = span.ended
        settle(span, numbers={semconv.POOL_WAIT_NS: max(0, span.ended - span.started - sum(connects))})
    except Exception:  # law 1
        home.fault("recording a checkout")
    return fairy


def _connect(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    state = current.get()
    # The record knows its pool under a name of its class's own.
    span = _begin(semconv.ALCHEMY_CONNECT_SPAN, getattr(args[0], "_ConnectionRecord__pool", None), state)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(span, state, error)
        raise
    span.ended = now_ns()
    current.set(state)
    connects = _connects.get()
    if connects is not None:
        connects.append(span.ended - span.started)
    settle(span)
    return result


def _checkin(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    since = _out.pop(args[0], None)
    state = current.get()
    span = _begin(semconv.CHECKIN_SPAN, getattr(args[0], "_ConnectionRecord__pool", None), state)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(span, state, error)
        raise
    span.ended = now_ns()
    current.set(state)
    settle(span, numbers={} if since is None else {semconv.POOL_IN_USE_NS: span.started - since})
    return result


def _begin(name: str, pool: Any, state: Any) -> Span:
    site = _site(name, pool)
    span = Span(site, state) if state is None or type(state) is Span else start_under_context(site, state)
    current.set(span)
    span.started = now_ns()
    return span


def _failed(span: Span, state: Any, error: BaseException) -> None:
    span.ended = now_ns()
    current.set(state)
    span.fail(error)
    home.hand_over(span)


def _site(name: str, pool: Any) -> Site:
    kind = type(pool).__name__
    dialect = getattr(pool, "_dialect", None)
    system = system_of(dialect) if isinstance(getattr(dialect, "name", None), str) else ""
    site = _sites.get((name, kind, system))
    if site is None:
        attributes = {semconv.POOL_CLASS: kind}
        if system:
            attributes[semconv.DB_SYSTEM] = system
        site = Site(name, "database", kind=3, attributes=attributes)
        if len(_sites) < _MOST:
            _sites[name, kind, system] = site
    return site
