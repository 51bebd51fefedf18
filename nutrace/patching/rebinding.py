"""Names that ``from module import function`` has bound in other modules."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Mapping, Optional, Tuple


def rebind(table: Mapping[int, Tuple[Any, Any]], since: Optional[ModuleType] = None) -> None:
    """Look once through the names of modules, and bind those that `table` has to something else.

    Parameters
    ----------
    table:
        ``{id(before): (before, after)}``. Ids, because objects of the program may be equal to anything.
    since:
        Look through the modules only whose import began after this one's; ``None`` for all modules.
    """
    if not table:
        return
    for module in reversed(list(sys.modules.values())):
        if module is since and since is not None:
            return
        if isinstance(module, ModuleType):
            names = vars(module)
            for name, value in list(names.items()):
                before, after = table.get(id(value), (None, None))
                if before is not None and before is value:
                    names[name] = after
