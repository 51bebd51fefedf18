"""Which object was in the place of each replacement.

Each replacement keeps its original itself, and this table refers to replacements weakly. If the table kept
the originals, no class of the program that has been patched could be freed: a method refers to its class.
"""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any, Dict, Tuple

from nutrace.patching.targets import inner

#: What a class has in the place of a method that it inherits.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "absent"})()

_ATTRIBUTE = "_self_nutrace_original"  # wrapt's proxies keep names that begin with _self_ to themselves


def original_in(replacement: Any) -> Any:
    """What stood where a function stands now that is no proxy; ``None`` if nothing of ours stands there."""
    original = vars(replacement).get(_ATTRIBUTE)
    return None if original is ABSENT else original


class Originals:
    """The originals of what one :class:`~nutrace.patching.patches.Patches` has set."""

    def __init__(self) -> None:
        # By id: what is compared with them are objects of the program, whose equality may be anything.
        self._replacements: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._in_modules: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def keep(self, replacement: Any, original: Any, in_module: bool) -> None:
        """Remember that `replacement` was set where `original` was.

        Raises
        ------
        TypeError, AttributeError
            If `replacement` takes no attributes, or cannot be referred to weakly.
        """
        function = inner(replacement)
        if isinstance(function, ModuleType):
            vars(function)[_ATTRIBUTE] = original  # a view of a module may set attributes on the module
        else:
            setattr(function, _ATTRIBUTE, original)
        self._replacements[id(function)] = function
        if in_module and callable(original):
            # Not for a module, say, that one other module sees in another way: to the others it is itself.
            self._in_modules[id(original)] = function

    def has(self, held: Any) -> bool:
        """Whether `held` is one of the replacements."""
        function = inner(held)
        return function is not None and self._replacements.get(id(function)) is function

    def of(self, replacement: Any) -> Any:
        """The original of a replacement; :data:`ABSENT` if there was none."""
        function = inner(replacement)
        if isinstance(function, ModuleType):
            return vars(function)[_ATTRIBUTE]
        return getattr(function, _ATTRIBUTE)

    def replacement_of(self, original: Any) -> Any:
        """What has been set in the place of a module's `original`; ``None`` if nothing has been."""
        replacement = self._in_modules.get(id(original))
        return replacement if replacement is not None and self.of(replacement) is original else None

    def replaced_in_modules(self) -> Dict[int, Tuple[Any, Any]]:
        """``{id(original): (original, replacement)}`` of what was set in modules."""
        pairs = [(self.of(replacement), replacement) for replacement in list(self._in_modules.values())]
        return {id(original): (original, replacement) for original, replacement in pairs}

    def table(self) -> Dict[int, Tuple[Any, Any]]:
        """``{id(replacement): (replacement, original)}``, where there was an original."""
        pairs = {}
        for replacement in list(self._replacements.values()):
            original = self.of(replacement)
            while self.has(original):  # replaced twice
                original = self.of(original)
            if original is not ABSENT:
                pairs[id(replacement)] = (replacement, inner(original))
        return pairs

    def clear(self) -> None:
        """Forget all of them."""
        self._replacements.clear()
        self._in_modules.clear()
