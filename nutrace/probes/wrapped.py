"""The objects that stand in a probed function's place.

wrapt's proxies look like what they wrap. Programs rely on more than that: a method that is taken from its
class twice is the same object, bound methods are ordinary ones (``weakref.WeakMethod`` needs that, and ``is``
to find out what a subclass overrides), and functions can be pickled and copied (Ray, multiprocessing).
"""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import Any, Callable, Dict, Tuple, Union

import wrapt

from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.patching.switch import Switch
from nutrace.patching.targets import inner

#: What classes make of methods that are plain functions.
_IMPLICIT: Dict[str, Callable[[Any], Any]] = {
    "__init_subclass__": classmethod,
    "__class_getitem__": classmethod,
    "__new__": staticmethod,
}

#: What wrapt reads off the closure while tracing is on, and off the function while it is off.
_OF_BOTH = frozenset((*functools.WRAPPER_ASSIGNMENTS, "__annotations__", "__dict__"))
#: What a debugger or %autoreload sets to give a function new code: it is the function that must get it.
_OF_FUNCTION = frozenset(("__code__", "__defaults__", "__kwdefaults__", "__globals__", "__closure__"))


class _LikeAFunction:
    """What functions do and wrapt's proxies do not: they are copied and pickled by reference."""

    __slots__ = ()  # with a __dict__ of its own it would hide the one that wrapt's proxies show

    # The original is their _self_function: wrapt keeps names that begin with _self_ on the proxy. There is no
    # annotation of it, because annotations of a class would hide those of the function.

    @property
    def __wrapped__(self: Any) -> Any:
        """What a decorator of the program's has wrapped. There may be none, and tools look at that."""
        return self._self_function.__wrapped__

    @__wrapped__.setter
    def __wrapped__(self: Any, value: Any) -> None:
        self._self_function.__wrapped__ = value  # functools.update_wrapper does this

    def __repr__(self: Any) -> str:
        return repr(self._self_function)

    def __reduce_ex__(self: Any, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        return str(self._self_function.__qualname__)

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        return self


class ProbedCallable(_LikeAFunction, wrapt.FunctionWrapper):  # type: ignore
    """Anything callable with a span around each call; binds as the original does."""

    def __init__(self, wrapped: Any, wrapper: Any, switch: Any) -> None:
        # wrapt takes any object for `enabled` and tests its truth at each call.
        super().__init__(wrapped, wrapper, switch)
        self._self_function = wrapped

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        # By name what has one; a `partial` or a bound method travels as itself, without spans.
        reduced: Union[str, Tuple[Any, ...]] = self._self_function.__reduce_ex__(protocol)
        return reduced


def _stay_unbound(self: Any, instance: Any, owner: Any = None) -> Any:
    """Built-in functions and instances have no ``__get__``, and stay what they are in a class."""
    if hasattr(self._self_function, "__get__"):
        return wrapt.FunctionWrapper.__get__(self, instance, owner)
    return self


try:
    wrapt.FunctionWrapper(len, _stay_unbound).__get__(None, object)  # type: ignore[arg-type]
except AttributeError:  # before wrapt 1.17
    ProbedCallable.__get__ = _stay_unbound  # type: ignore[method-assign]


class ProbedFunction(_LikeAFunction, wrapt.CallableObjectProxy):  # type: ignore
    """A function with a span around each call.

    wrapt's proxy hands each call on in C: to the function itself while tracing is off, and to a closure that
    puts a span around the function while it is on. So a call costs next to nothing while tracing is off, and
    while it is on half of what wrapt's own way of calling a wrapper costs. Everything else is the function's.
    """

    @passed_over
    def __init__(self, function: FunctionType, wrapper: Any, switch: Switch) -> None:
        super().__init__(function)

        def traced(*args: Any, **kwargs: Any) -> Any:
            try:
                return wrapper(function, None, args, kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise

        make = getattr(wrapper, "traced", None)
        called = traced if make is None else make(function)
        functools.update_wrapper(called, function)
        called.__dict__ = function.__dict__  # one for both: attributes stay when tracing goes on or off
        self._self_function = function
        self._self_traced = called
        switch.watch(self, _turn)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _OF_BOTH and name not in _OF_FUNCTION:
            super().__setattr__(name, value)
            return
        setattr(self._self_function, name, value)
        if name in _OF_BOTH:
            setattr(self._self_traced, name, value)

    def __set_name__(self, owner: type, name: str) -> None:
        become = _IMPLICIT.get(name)
        if become is not None:
            type.__setattr__(owner, name, become(self))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    # A program may have made the function a key before it was probed, and look it up after that.

    def __hash__(self) -> int:
        return hash(self._self_function)

    def __eq__(self, other: Any) -> bool:
        return bool(self._self_function == other)

    def __ne__(self, other: Any) -> bool:
        return not self == other

    @property
    def __code__(self) -> Any:
        return self._self_function.__code__

    @property
    def __defaults__(self) -> Any:
        return self._self_function.__defaults__

    @property
    def __kwdefaults__(self) -> Any:
        return self._self_function.__kwdefaults__

    @property
    def __globals__(self) -> Any:
        return self._self_function.__globals__

    @property
    def __closure__(self) -> Any:
        return self._self_function.__closure__


_set_called: Any = wrapt.CallableObjectProxy.__wrapped__.__set__  # type: ignore[misc]


def _turn(probed: Any, on: bool) -> None:
    _set_called(probed, probed._self_traced if on else probed._self_function)


def put_around(original: Any, wrapper: Any, switch: Switch) -> Any:
    """`original` with `wrapper` around its calls while `switch` is on; the same kind of descriptor."""
    if isinstance(original, (classmethod, staticmethod)):
        return type(original)(put_around(original.__func__, wrapper, switch))
    if isinstance(original, FunctionType):
        return ProbedFunction(original, wrapper, switch)
    return ProbedCallable(original, wrapper, switch)


def is_probed(value: Any) -> bool:
    """Whether a span is put around it already."""
    return type(inner(value)) in (ProbedFunction, ProbedCallable)
