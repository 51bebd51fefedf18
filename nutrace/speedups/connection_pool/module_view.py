"""A module as one other module sees it, with some names replaced."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class ModuleView(ModuleType):
    """Replaces `module` where one other module has it.

    Parameters
    ----------
    replaced:
        What is seen instead, by name.
    """

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(replaced)
        vars(self)["_nutrace_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_nutrace_module"], name)
