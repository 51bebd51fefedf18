"""The object that stands in a probed function's place: wrapt's proxy, with copies and pickles right.

wrapt's proxies look like what they wrap but refuse to be pickled or copied; functions can be both,
and Ray, multiprocessing and ``copy.deepcopy`` rely on it.
"""

from __future__ import annotations

import copy
from pkgutil import resolve_name
from typing import Any, Dict, Tuple, Union

import wrapt


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """A probed method, bound to its object or taken from its class."""

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        owner = getattr(self.__wrapped__, "__self__", None)
        if owner is not None:
            return getattr, (owner, self.__name__)
        qualname = str(self.__qualname__)
        if "<locals>" in qualname:
            return qualname  # which pickle refuses, as it does without a probe
        # Each access makes a new one of us: pickle's own look-up would say it is another object.
        return resolve_name, (f"{self.__module__}:{qualname}",)

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        owner = getattr(self.__wrapped__, "__self__", None)
        copied = copy.deepcopy(owner, memo)
        return self if copied is owner else self._self_parent.__get__(copied, type(copied))


class ProbedFunction(wrapt.FunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """A function, method, class method or static method with a span around each call."""

    __bound_function_wrapper__ = _Bound

    def __init__(self, wrapped: Any, wrapper: Any, enabled: Any) -> None:
        # wrapt takes any object here and tests its truth at each call.
        super().__init__(wrapped, wrapper, enabled)

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        wrapped = self.__wrapped__
        if isinstance(wrapped, (classmethod, staticmethod)):
            return type(wrapped), (wrapped.__func__,)  # met in a class that goes by value
        return str(wrapped.__qualname__)  # by name, as functions are

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        return self
