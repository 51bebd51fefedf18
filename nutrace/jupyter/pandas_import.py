"""Import pandas when the first table is made, or say how to get it."""

from __future__ import annotations

from types import ModuleType

from nutrace.errors import MissingDependencyError
from nutrace.extras import install


def import_pandas() -> ModuleType:
    """The module.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError(f"tables need pandas ({error}): {install('jupyter')}") from None
    return pandas
