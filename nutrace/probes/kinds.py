"""What a function is: which kind of wrapper it needs, whether it can have one, and where it stands."""

from __future__ import annotations

import contextlib
import inspect
import os
from types import CodeType, FunctionType
from typing import Any, Callable, Dict, Optional

from nutrace import semconv
from nutrace.probes import wrappers
from nutrace.probes.notes import Wrapper
from nutrace.recording.span import CallSite


def unsupported(function: Any) -> str:
    """Why no span can be put around calls of `function`; an empty string if one can."""
    if isinstance(function, type):
        return "is a class: name one of its methods"
    if not callable(function):
        return "is not a function"
    inner = inspect.unwrap(function) if _is_contextlib(function) else function
    if inspect.isasyncgenfunction(inner):
        return "is an asynchronous generator, which is not supported"
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE:
        return "is a coroutine of the old kind, which is not supported"
    return ""


def does_nothing(function: Any) -> bool:
    """Whether `function` is a plain function whose body is ``pass``, a docstring or ``return None``.

    Most callbacks of the devkit are; a span around one costs many times what it measures.
    """
    code = getattr(function, "__code__", None)
    if type(function) is not FunctionType or code is None or code.co_flags & _RESUMABLE:
        return False
    return any(
        code.co_code == empty.co_code and (at is None or code.co_consts[at : at + 1] == (None,))
        for empty, at in _EMPTY
    )


#: Where methods are made that hand on to inherited ones: see :mod:`nutrace.probes.patches`.
_NUTRACE = os.path.dirname(__file__)

_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _nothing() -> None:
    return None


def _only_documented() -> None:
    """A docstring is the first constant of its function, and ``None`` the second."""


def _place_of_none(code: CodeType) -> Optional[int]:
    """Which of its constants `code` returns; None if its instructions say that they return None."""
    return code.co_consts.index(None) if None in code.co_consts else None


#: The code of functions that do nothing.
_EMPTY = tuple((empty.__code__, _place_of_none(empty.__code__)) for empty in (_nothing, _only_documented))


def kind_of(function: Any) -> Callable[..., Wrapper]:
    """The wrapper for functions like `function`: generators, coroutines, context managers, or others."""
    if inspect.isgeneratorfunction(function):
        return wrappers.generator
    if inspect.iscoroutinefunction(function):
        return wrappers.coroutine
    return wrappers.context_manager if _is_contextlib(function) else wrappers.around


def _is_contextlib(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_filename == contextlib.__file__)


def site_of(function: Any, name: str, component: str, owner: Any = None, *, block: bool = False) -> CallSite:
    """The call site of a function: its span's name and component, and where its code is.

    With `block`, or if the function makes a context manager, its spans last on when it has returned.
    """
    inner = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(inner, "__code__", None)
    module = getattr(inner, "__module__", None) or getattr(owner, "__module__", "")
    qualified = getattr(inner, "__qualname__", name)
    return CallSite(
        name,
        component,
        function=f"{module}.{qualified}" if module else qualified,
        file=code.co_filename if code is not None else "",
        line=code.co_firstlineno if code is not None else 0,
        attributes=_attributes(function, code, block),
        of_method=qualified.rpartition(".")[0].rpartition(".")[2] not in ("", "<locals>"),
    )


def _attributes(function: Any, inner: Optional[CodeType], block: bool) -> Dict[str, Any]:
    """What all spans of the function say of its frames."""
    if block or _is_contextlib(function):
        return {semconv.BLOCK: True}
    code = getattr(getattr(function, "__func__", function), "__code__", inner)
    if code is inner or not isinstance(code, CodeType) or code.co_filename.startswith(_NUTRACE):
        return {}
    return {
        semconv.DECORATOR_FUNCTION: code.co_name,
        semconv.DECORATOR_FILE: code.co_filename,
        semconv.DECORATOR_LINE: code.co_firstlineno,
    }
