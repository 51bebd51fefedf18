"""The object that stands in a probed function's place: wrapt's proxy, with copies and pickles right.

wrapt's proxies look like what they wrap but refuse to be pickled or copied; functions can be both,
and Ray, multiprocessing and ``copy.deepcopy`` rely on it.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, Tuple, Union

import wrapt


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[misc]
    """A probed method bound to its object."""

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        return getattr, (self.__self__, self.__name__)

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        return getattr(copy.deepcopy(self.__self__, memo), self.__name__)


class ProbedFunction(wrapt.FunctionWrapper):  # type: ignore[misc]
    """A function, method, class method or static method with a span around each call."""

    __bound_function_wrapper__ = _Bound

    def __init__(self, wrapped: Any, wrapper: Any, enabled: Any) -> None:
        # wrapt takes any object here and tests its truth at each call.
        super().__init__(wrapped, wrapper, enabled)

    def __reduce_ex__(self, protocol: Any) -> Union[str, Tuple[Any, ...]]:
        # By name, as functions are.
        return str(self.__wrapped__.__qualname__)

    def __reduce__(self) -> Union[str, Tuple[Any, ...]]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Any:
        return self
