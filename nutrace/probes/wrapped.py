"""The objects that stand in a probed function's place.

wrapt's proxies look like what they wrap. What they lack, programs rely on: a method taken from its
class is the same object each time, bound methods are ordinary ones (``weakref.WeakMethod``, ``is``
to find out what a subclass overrides), and functions can be pickled and copied (Ray, multiprocessing).
"""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import Any, Dict, Tuple, Union

import wrapt

from nutrace.probes.switch import Switch


class ProbedCallable(wrapt.FunctionWrapper):  # type: ignore
    """Anything callable with a span around each call; binds as the original does."""

    def __init__(self, wrapped: Any, wrapper: Any, switch: Any) -> None:
        # wrapt takes any object for `enabled` and tests its truth at each call.
        super().__init__(wrapped, wrapper, switch)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        return str(self.__wrapped__.__qualname__)  # by name, as functions are

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        return self


class ProbedFunction(ProbedCallable):
    """A function; its methods are plain ones.

    It hands each call on to ``__wrapped__`` in C. That is the function itself while tracing is off, and
    while it is on a closure with a span around the function: twice as fast as wrapt's way of calling a
    wrapper, and next to nothing while off.
    """

    def __init__(self, function: FunctionType, wrapper: Any, switch: Switch) -> None:
        super().__init__(function, wrapper, _NEVER)

        def traced(*args: Any, **kwargs: Any) -> Any:
            return wrapper(function, None, args, kwargs)

        around = getattr(wrapper, "traced", None)
        self._self_original = function
        self._self_traced = functools.update_wrapper(traced if around is None else around(function), function)
        switch.tell(self, _turn)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    # What programs read off a function, and a closure has other answers to.
    __code__ = property(lambda self: self._self_original.__code__)
    __defaults__ = property(lambda self: self._self_original.__defaults__)
    __kwdefaults__ = property(lambda self: self._self_original.__kwdefaults__)
    __globals__ = property(lambda self: self._self_original.__globals__)
    __closure__ = property(lambda self: self._self_original.__closure__)


_NEVER = ()  # false, and so wrapt never calls its wrapper


def _turn(probed: Any, on: bool) -> None:
    probed.__wrapped__ = probed._self_traced if on else probed._self_original


def put_around(original: Any, wrapper: Any, switch: Switch) -> Any:
    """`original` with `wrapper` around its calls while `switch` is on; the same descriptor."""
    if isinstance(original, (classmethod, staticmethod)):
        return type(original)(put_around(original.__func__, wrapper, switch))
    kind = ProbedFunction if isinstance(original, FunctionType) else ProbedCallable
    return kind(original, wrapper, switch)
