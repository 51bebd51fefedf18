"""Functions that a speedup replaces are known by what their code mentions; others are left alone."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, FrozenSet, Iterator, List

from nutrace.speedups.speedup import Misfit


@dataclass(frozen=True)
class KnownFunction:
    """The shape of a function.

    Parameters
    ----------
    parameters:
        The names of its parameters, between spaces.
    words:
        Every name and text that its code mentions, but for its docstring and texts with spaces.
    does:
        Completes the message "... in another way than the one known".
    """

    parameters: str
    words: FrozenSet[str]
    does: str

    def check(self, function: Any) -> None:
        """Do nothing if `function` has this shape.

        Raises
        ------
        Misfit
            If it differs.
        """
        check_parameters(function, self.parameters)
        if frozenset(mentioned(function.__code__, function.__doc__)) != self.words:
            raise Misfit(f"{function.__qualname__} {self.does} in another way than the one known")


def check_parameters(function: Any, parameters: str) -> None:
    """Do nothing if `function` has these parameters, whose names are between spaces.

    Raises
    ------
    Misfit
        If it has others, or is not a function.
    """
    if not isinstance(function, FunctionType):
        raise Misfit(f"{getattr(function, '__qualname__', repr(function)[:60])} is not a function")
    if " ".join(inspect.signature(function).parameters) != parameters:
        wanted = ", ".join(parameters.split())
        raise Misfit(f"{function.__qualname__} takes other arguments than ({wanted})")


def mentioned(code: CodeType, doc: Any = None) -> Iterator[str]:
    """The names that code looks up, and the texts in it, also those of functions inside it.

    Parameters
    ----------
    doc:
        The docstring, which is left out.
    """
    yield from code.co_names
    constants: List[Any] = [each for each in code.co_consts if each is not doc]
    while constants:
        each = constants.pop()
        if isinstance(each, CodeType):
            yield from mentioned(each)
        elif isinstance(each, tuple):
            constants += each
        elif isinstance(each, str) and "<" not in each and " " not in each:
            yield each
