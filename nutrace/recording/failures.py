"""How an exception is noted on the spans that it leaves."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Dict, Tuple

from nutrace.anyvalue import UNPRINTABLE

if TYPE_CHECKING:
    from nutrace.recording.span import Span

#: How generators and iterators end; nothing has failed.
NO_FAILURE = (GeneratorExit, StopIteration, StopAsyncIteration)

_MOST_FRAMES = 20  # of a stack, the innermost


def note(error: BaseException, span: Span) -> Dict[str, Any]:
    """The attributes of an exception event for `error`, which leaves `span`.

    The stack is in the event of the innermost span only: the outer ones see the same error pass.
    """
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    try:
        message = str(error)
    except Exception:  # a message that cannot be made must not replace the program's error
        message = UNPRINTABLE
    noted: Dict[str, Any] = {"exception.type": name, "exception.message": message}
    origin = _origin(error)
    if span.details is None or span.details.failed_below != origin:
        stack = traceback.format_tb(error.__traceback__, limit=-_MOST_FRAMES)
        noted["exception.stacktrace"] = "".join(stack)
    above: Any = span.parent
    if hasattr(above, "ensure_details"):  # a span of this process
        above.ensure_details().failed_below = origin
    return noted


def _origin(error: BaseException) -> Tuple[int, ...]:
    """What tells `error` from another that gets the same id later: the id, and where it was raised."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return (id(error),) if at is None else (id(error), id(at.tb_frame.f_code), at.tb_lasti)
