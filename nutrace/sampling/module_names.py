"""Which modules the sampled functions are of."""

from __future__ import annotations

import sys
import types
from typing import Dict

from nutrace.sampling.own_frames import plain
from nutrace.sampling.stacks import OUTERMOST, Stacks


def modules_of(stacks: Stacks) -> Dict[str, str]:
    """The name of the module of each file, as far as it is known; its own name comes before ``__main__``."""
    names = _scripts(stacks)
    bare = {plain(file): file for _, file, _ in stacks.functions}
    for name, module in list(sys.modules.items()):
        # Whatever stands there: asking it for an attribute may run code of the program's.
        if not isinstance(module, types.ModuleType):
            continue
        said = object.__getattribute__(module, "__dict__").get("__file__")
        file = bare.get(said) if isinstance(said, str) else None
        if file is not None and names.get(file, "__main__") == "__main__":
            names[file] = str(name)
    return names


def _scripts(stacks: Stacks) -> Dict[str, str]:
    """The script that Python runs: as this ends, the module ``__main__`` does not say its file any more."""
    outermost = [stacks.functions[function] for parent, function, _ in stacks.nodes if parent == OUTERMOST]
    return {file: "__main__" for name, file, _ in outermost if name == "<module>" and file[:1] != "<"}
