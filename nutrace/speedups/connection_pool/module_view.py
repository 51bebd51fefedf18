"""A module as one other module sees it: all of it, but for the names that are replaced."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class ModuleView(ModuleType):
    """Stands in for `module` where its name is bound.

    Parameters
    ----------
    replaced:
        By name, what is seen instead.
    """

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(replaced)
        vars(self)["_nutrace_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_nutrace_module"], name)
