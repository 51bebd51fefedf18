"""The objects that stand in a probed function's place.

wrapt's proxies look like what they wrap. What they lack, programs rely on: a method taken from its
class is the same object each time, bound methods are ordinary ones (``weakref.WeakMethod``, ``is``
to find out what a subclass overrides), and functions can be pickled and copied (Ray, multiprocessing).
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, Dict, Tuple, Union

import wrapt


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
    """A function; its methods are plain ones, which is also twice as fast as wrapt's."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)


def put_around(original: Any, wrapper: Any, switch: Any) -> Any:
    """`original` with `wrapper` around its calls while `switch` holds something; the same descriptor."""
    if isinstance(original, (classmethod, staticmethod)):
        return type(original)(put_around(original.__func__, wrapper, switch))
    kind = ProbedFunction if isinstance(original, FunctionType) else ProbedCallable
    return kind(original, wrapper, switch)
