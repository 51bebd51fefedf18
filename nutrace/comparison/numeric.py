"""numpy and scipy, which only comparing needs."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from nutrace.errors import MissingDependencyError
from nutrace.extras import install


class Numeric(NamedTuple):
    """The modules ``numpy`` and ``scipy.special``, whose functions of the t-distribution take arrays."""

    numpy: Any
    special: Any


def numeric() -> Numeric:
    """Import numpy and scipy.

    Raises
    ------
    MissingDependencyError
        If one of them is not installed.
    """
    try:
        modules = [importlib.import_module(name) for name in ("numpy", "scipy.special")]
    except ImportError:
        raise MissingDependencyError(f"comparing runs needs numpy and scipy: {install('compare')}") from None
    return Numeric(*modules)
