"""Spans around calls of ``gc``, where they lie in another span."""

from __future__ import annotations

from typing import Any

from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.patching.switch import Switch
from nutrace.probes.kinds import site_of
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.wrapped import put_around
from nutrace.probes.wrappers import traced_call
from nutrace.recording.context import current


@passed_over
def inside_spans(name: str, original: Any, switch: Switch) -> Any:
    """A replacement of a function of ``gc``: a span `name` for each call inside another span.

    Outside of spans there would be thousands that nobody asks for: modules made by Cython switch the
    collector off and on for each of their types.
    """
    site = site_of(original, name, "gc")

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        try:
            if current.get() is None:
                return wrapped(*args, **kwargs)
            return traced_call(site, wrapped)(*args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise

    return put_around(original, wrapper, switch)
