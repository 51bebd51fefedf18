"""Import matplotlib when the first plot is made, or say how to get it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from nutrace.errors import MissingDependencyError
from nutrace.extras import install


def import_matplotlib(module: str = "matplotlib") -> ModuleType:
    """A module of it.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(f"plots need matplotlib ({error}): {install('jupyter')}") from None
