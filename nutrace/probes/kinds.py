"""What stands in a target's place, by what the target is: a descriptor of the same kind, with a span."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from types import FunctionType, MethodType
from typing import Any, Callable, Optional, cast

from nutrace.probes import wrappers
from nutrace.probes.notes import Args, Kwargs, Wrapped, Wrapper
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import ProbedCallable, ProbedFunction, put_around
from nutrace.recording.span import CallSite


def is_probed(value: Any) -> bool:
    """Whether a span stands around it already."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, functools.cached_property):
        value = value.func
    elif isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    return type(value) in (ProbedFunction, ProbedCallable)


def stand_in(original: Any, probe: Probe, owner: Any, name: str, switch: Switch) -> Any:
    """`original`, which `owner` has as `name`, with a span around it while `switch` holds something.

    Raises
    ------
    AttributeError
        If no span can stand around it.
    """
    if isinstance(original, property):
        if original.fget is None:
            raise AttributeError(f"{probe.qualname} is a property that cannot be read")
        return original.getter(_probed(original.fget, probe, owner, switch, getter=True))
    if isinstance(original, functools.cached_property):
        cached = copy.copy(original)
        cached.func = _probed(original.func, probe, owner, switch, getter=True)
        return cached
    if isinstance(owner, type) and name not in vars(owner) and isinstance(original, FunctionType):
        return _probed(_deferring(owner, name, original), probe, owner, switch, kind=kind_of(original))
    return _probed(original, probe, owner, switch)


def _probed(
    original: Any,
    probe: Probe,
    owner: Any,
    switch: Switch,
    *,
    kind: Optional[Callable[..., Wrapper]] = None,
    getter: bool = False,
) -> Any:
    function = original.__func__ if isinstance(original, (staticmethod, classmethod)) else original
    reason = unfit(function)
    if reason:
        raise AttributeError(f"{probe.qualname} {reason}")
    site = site_of(function, probe.span_name, probe.component, owner)
    wrapper = (kind or kind_of(function))(site, probe.note, probe.note_result)
    return put_around(original, noting(wrapper, original, owner, probe, getter), switch)


def _deferring(owner: type, name: str, original: FunctionType) -> FunctionType:
    """An inherited method as `owner`'s own: whatever comes next in the instance's classes is called."""

    @functools.wraps(original)
    def inherited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(following(owner, self), name)(*args, **kwargs)

    return cast(FunctionType, inherited)


#: ``super(owner, self)``, which type checkers take for granted inside a class only.
following = cast(Callable[[type, Any], Any], super)


def noting(wrapper: Wrapper, original: Any, owner: Any, probe: Probe, getter: bool = False) -> Wrapper:
    """`wrapper`, for calls whose first argument is the object: notes get it as the instance."""
    method = isinstance(owner, type) and isinstance(original, (FunctionType, classmethod))
    if not (method or getter) or not (probe.note or probe.note_result):
        return wrapper

    def bound(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if not args:  # the object was given by keyword, or forgotten
            return wrapper(wrapped, instance, args, kwargs)
        return wrapper(MethodType(wrapped, args[0]), args[0], args[1:], kwargs)

    return bound


def unfit(function: Any) -> str:
    """Why no span can stand around `function`, or an empty string."""
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
    """Whether it is a plain function whose body is ``pass``, a docstring or ``return None``.

    The devkit's callbacks are that, most of them; a span around one costs many times what it measures.
    """
    code = getattr(function, "__code__", None)
    if type(function) is not FunctionType or code is None or code.co_flags & _RESUMABLE:
        return False
    return any(
        code.co_code == empty.co_code and code.co_consts[at : at + 1] == (None,) for empty, at in _EMPTY
    )


_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _nothing() -> None:
    return None


def _nothing_said() -> None:
    """A docstring is the first constant of its function, and ``None`` the second."""


#: Their code, and which of its constants it returns.
_EMPTY = (
    (_nothing.__code__, _nothing.__code__.co_consts.index(None)),
    (_nothing_said.__code__, _nothing_said.__code__.co_consts.index(None)),
)


def kind_of(function: Any) -> Callable[..., Wrapper]:
    """Which wrapper suits `function`."""
    if inspect.isgeneratorfunction(function):
        return wrappers.generator
    if inspect.iscoroutinefunction(function):
        return wrappers.coroutine
    return wrappers.context_manager if _is_contextlib(function) else wrappers.around


def _is_contextlib(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_filename == contextlib.__file__)


def site_of(function: Any, name: str, component: str, owner: Any = None) -> CallSite:
    """A function's site: where its code stands, for the code.* attributes."""
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
    )
