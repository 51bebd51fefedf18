"""How an exception is noted on the spans that it leaves."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Dict, Final, Mapping, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.recording import database_errors
from nutrace.recording.database_errors import Written, type_and_message, type_name
from nutrace.recording.process_state import process_state
from nutrace.recording.tracebacks import NotedTraceback

if TYPE_CHECKING:
    from nutrace.recording.span import Span

#: How generators and iterators end; nothing has failed.
NO_FAILURE = (GeneratorExit, StopIteration, StopAsyncIteration)

_CLIENT = 3  # OTLP's kind of span
_SYSTEMS = (semconv.DB_SYSTEM, semconv.OLD_DB_SYSTEM)
_KIND = re.compile(r"[A-Za-z_][\w.]*Error(?=: |\Z)")
#: What nutrace's own time is called that the noting of errors takes.
OWN = "error"
_TYPE, _MESSAGE = "exception.type", "exception.message"
#: In an event of :func:`note`'s making a :class:`NotedTraceback`, which the writer formats.
STACK: Final = "exception.stacktrace"


class Below(NamedTuple):
    """The error that has left a span directly below another one."""

    origin: Tuple[int, ...]
    written: Written


def note(error: BaseException, span: Span, more: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """The attributes of an exception event for `error`, which leaves `span`.

    `more` are attributes that the program adds; they do not replace what is left out. The stack is in the
    event of the innermost span only: the outer ones see the same error pass.
    """
    origin = _origin(error)
    below = None if span.details is None else span.details.failed_below
    is_new = below is None or below.origin != origin
    in_call = _is_in_call(span)
    if in_call:
        database_errors.remember(error)
    if below is None or is_new or in_call:
        message, whole = database_errors.written(error)
    else:
        message, whole = below.written
    noted: Dict[str, Any] = {_TYPE: type_name(error), _MESSAGE: message}
    if is_new:
        noted[STACK] = NotedTraceback(error.__traceback__, whole)
    above: Any = span.parent
    if hasattr(above, "ensure_details"):  # a span of this process
        above.ensure_details().failed_below = Below(origin, Written(message, whole))
    return {**noted, **(more or {})} if whole else {**(more or {}), **noted}


def status(noted: Mapping[str, Any]) -> str:
    """The message of a span's status, from what :func:`note` returned."""
    return f"{noted[_TYPE]}: {noted[_MESSAGE]}" if noted[_MESSAGE] else str(noted[_TYPE])


def status_text(text: str) -> str:
    """The message that the program gives a span, most often while it handles an error."""
    try:
        error = _handled()
        return text_of(text) if error is None else type_and_message(error)
    except Exception:  # an error of the program's may have any attributes
        process_state.fault("reading a status")
        return ""


def text_of(text: str) -> str:
    """A text without what repeats a database's error; its type stays, if that comes first."""
    if not database_errors.repeats(text):
        return text
    kind = _KIND.match(text)
    return kind.group() if kind else ""


def event_of(attributes: Mapping[str, Any]) -> Dict[str, Any]:
    """The attributes of an exception event that is not of :func:`note`'s making."""
    noted = dict(attributes)
    texts = [str(noted.get(name, "")) for name in (_TYPE, _MESSAGE, STACK)]
    if any(map(database_errors.repeats, texts)) or _handled() is not None:
        noted.pop(_MESSAGE, None)
        if STACK in noted:
            noted[STACK] = database_errors.without_messages(texts[2])
    return noted


def _handled() -> Optional[BaseException]:
    """The error that is handled at this moment, if its message is not to be written whole."""
    error = sys.exc_info()[1]
    return None if error is None or database_errors.written(error).whole else error


def _is_in_call(span: Span) -> bool:
    """Whether a span is a call of a database's driver, or of the program's code that a driver called."""
    node: Any = span
    while hasattr(node, "site"):  # till there is none above, or one of another process
        if node.site.kind == _CLIENT and node.site.component == "database":
            return True
        noted = None if node.details is None else node.details.attributes
        if noted and any(name in noted for name in _SYSTEMS):
            return True
        node = node.parent
    return False


def _origin(error: BaseException) -> Tuple[int, ...]:
    """What tells `error` from another that gets the same id later: the id, and where it was raised."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return (id(error),) if at is None else (id(error), id(at.tb_frame.f_code), at.tb_lasti)
