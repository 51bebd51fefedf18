"""The frames that replacements add to a program's stack, and how little of the program notices them.

A probed call has one frame more than the call alone. ``warnings.warn(stacklevel=2)`` and, since Python 3.11,
``logging`` with `stacklevel` count frames to find the place that a message is about, and both pass over
frames whose file name contains ``importlib`` and ``_bootstrap``. The code of our frames has such a file name.
"""

from __future__ import annotations

from types import CodeType, FunctionType, TracebackType
from typing import Any, Callable, Optional, TypeVar

Target = TypeVar("Target", bound=Any)

#: What the names of our files end with in frames that are passed over.
SUFFIX = " (skipped like importlib._bootstrap)"


def passed_over(target: Target) -> Target:
    """Decorator: `warnings` and `logging` do not count the frames of `target`.

    Parameters
    ----------
    target:
        A function, with the functions defined in it; or a class, with its methods.

    Notes
    -----
    :mod:`traceback` still shows the source: it asks the module's loader. The interpreter's own last words,
    when an error ends the program, do not.
    """
    functions = vars(target).values() if isinstance(target, type) else [target]
    for function in functions:
        if isinstance(function, FunctionType):
            function.__code__ = _renamed(function.__code__)
    return target


def _renamed(code: CodeType) -> CodeType:
    inner = tuple(_renamed(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=code.co_filename + SUFFIX, co_consts=inner)


# Of the base class: a class of the program's may have a __setattr__ of its own, as frozen dataclasses have.
_of_errors: Any = BaseException.__dict__["__traceback__"]
get_traceback: Callable[[BaseException], Optional[TracebackType]] = _of_errors.__get__
set_traceback: Callable[[BaseException, Optional[TracebackType]], None] = _of_errors.__set__


def leave_traceback(error: BaseException) -> None:
    """Take the frames of ours that `error` has left last off its traceback.

    A bare ``raise`` must follow, or the error be thrown into a generator.
    """
    if can_leave:
        trace = first = get_traceback(error)
        while trace is not None and trace.tb_frame.f_code.co_filename.endswith(SUFFIX):
            trace = trace.tb_next
        if trace is not first:
            set_traceback(error, trace)


def _pass_on() -> None:
    try:
        raise ValueError
    except ValueError as error:
        error.__traceback__ = None
        raise


def _is_left() -> bool:
    try:
        _pass_on()
    except ValueError as error:
        trace = error.__traceback__
        return trace is not None and trace.tb_next is None
    return False


#: Whether a bare ``raise`` goes on with the traceback that the error has by then. Before Python 3.11 it goes
#: on with the one that it came with, and our frames stay in tracebacks.
can_leave = _is_left()
