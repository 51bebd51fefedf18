"""Replacements of ``copy.copy``, ``pickle.dumps`` and ``pickle.loads``: a span for each call.

These are no deep copies, but are often mistaken for some. Picklers that a program makes itself (Ray's,
cloudpickle's, ``multiprocessing``'s) are left alone.
"""

from __future__ import annotations

import copy as copying
import functools
from typing import Any, Mapping

from nutrace import semconv
from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.probes.blocks import close_dangling, timed
from nutrace.probes.copying.call_sites import CopyCallSites
from nutrace.probes.copying.simulation_logs import simulation_logs
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.composites import tally
from nutrace.recording.span import CallSite, Span, process_state


@passed_over
def shallow(original: Any, switch: Switch) -> Any:
    """A function like `original`, which is ``copy.copy``."""
    sites = CopyCallSites(semconv.COPY_SPAN, getattr(copying, "_copy_dispatch", {}), "__copy__")

    @functools.wraps(original)
    def copy(x: Any) -> Any:
        if not switch:
            return original(x)
        site = sites.find(type(x))
        try:
            if site is None:
                return original(x)
            return _traced(site, original, (x,), {})
        except BaseException as error:
            leave_traceback(error)
            raise

    return copy


@passed_over
def dumps(original: Any, switch: Switch) -> Any:
    """A replacement of ``pickle.dumps``, which is built in: it binds to no object, and pickles by name."""
    sites = CopyCallSites(semconv.PICKLE_SPAN)

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        site = sites.find(type(args[0] if args else kwargs.get("obj")))
        try:
            if site is None:
                return wrapped(*args, **kwargs)
            result, span = timed(site, wrapped, args, kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise
        try:
            _hand_over(span, {semconv.PICKLE_BYTES: len(result)})
            simulation_logs.note(args[0] if args else kwargs["obj"], result)
        except Exception:  # the pickle was made, and the program gets it
            process_state.fault("recording a pickle")
        return result

    simulation_logs.renew()
    return put_around(original, traced, switch)


@passed_over
def loads(original: Any, switch: Switch) -> Any:
    """A replacement of ``pickle.loads``; the type that is noted is that of the result."""
    sites = CopyCallSites(semconv.UNPICKLE_SPAN)

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        site = sites.find(type(args[0] if args else None))
        try:
            if site is None:
                return wrapped(*args, **kwargs)
            result, span = timed(site, wrapped, args, kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise
        span.site = sites.find(type(result)) or site
        _hand_over(span)
        return result

    return put_around(original, traced, switch)


@passed_over
def _traced(site: CallSite, call: Wrapped, args: Args, kwargs: Kwargs) -> Any:
    result, span = timed(site, call, args, kwargs)
    _hand_over(span)
    return result


def _hand_over(span: Span, numbers: Mapping[str, Any] = {}) -> None:
    if span.details is not None:
        close_dangling(span)
    tally(span, numbers)
