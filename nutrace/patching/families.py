"""Families: a method of a base class, and the methods by which its subclasses override it.

Subclasses that exist already are found from the base class. Later ones are found when they are made, because
Python then calls ``__init_subclass__``, in whose place on the base class a hook is put.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Callable, Dict, List, Tuple, cast

from nutrace.patching.lock import lock
from nutrace.patching.replacement import MissingTarget, Patch
from nutrace.patching.targets import raw

_HOOK = "__init_subclass__"

#: ``super(cls, instance)``. Type checkers allow it inside a class only.
super_of = cast(Callable[[type, Any], Any], super)

_Members = List[Tuple[str, Patch]]


class Families:
    """The families of one :class:`~nutrace.patching.patches.Patches`.

    Parameters
    ----------
    put:
        ``put(cls, name, patch)`` applies a patch to one class.
    replace:
        ``replace(owner, name, replacement)`` sets an attribute, and has it undone with everything else.
    is_ours:
        Whether an object is a replacement that `replace` has set.
    fault:
        Called while an exception is handled that must not reach the program, with what was being done.
    """

    def __init__(
        self,
        put: Callable[[type, str, Patch], None],
        replace: Callable[[Any, str, Any], None],
        is_ours: Callable[[Any], bool],
        fault: Callable[[str], None],
    ) -> None:
        self._put = put
        self._replace = replace
        self._is_ours = is_ours
        self._fault = fault
        # By the id of the base class, which is not kept alive.
        self._families: Dict[int, Tuple[weakref.ref[type], _Members]] = {}

    def adopt(self, base: type, name: str, patch: Patch) -> None:
        """Apply `patch` to the method `name` of `base` and of all its subclasses, now and later.

        Raises
        ------
        MissingTarget
            If `base` has no such method.
        """
        raw(base, name)
        members = self._members(base)
        if members is None:
            members = []
            number = id(base)
            reference = weakref.ref(base, lambda _: self._families.pop(number, None))
            self._families[number] = reference, members
            self._hook(base)
        members.append((name, patch))
        for cls in _with_subclasses(base):
            self._adopt_class(base, cls, name, patch)

    def clear(self) -> None:
        """Forget all families; the hooks are undone by who set them."""
        self._families.clear()

    def _members(self, base: type) -> _Members | None:
        reference, members = self._families.get(id(base), (None, None))
        return members if reference is not None and reference() is base else None

    def _adopt_class(self, base: type, cls: type, name: str, patch: Patch) -> None:
        if _HOOK in vars(cls):
            self._hook(cls)  # it may not call the base's
        definer = next((parent for parent in cls.__mro__ if name in vars(parent)), None)
        if definer is None or (definer is not cls and base in definer.__mro__):
            return  # inherited within the family, where it is replaced
        if getattr(vars(definer)[name], "__isabstractmethod__", False):
            return
        # One odd subclass is no reason to leave the others out.
        with contextlib.suppress(MissingTarget):
            self._put(cls, name, patch)

    def _class_made(self, cls: type) -> None:
        """A class statement of the program has made `cls`; its decorators have not run yet."""
        try:
            with lock:
                for base in cls.__mro__:
                    for name, patch in self._members(base) or ():
                        self._adopt_class(base, cls, name, patch)
        except Exception:  # a class statement of the program must not fail because of us
            self._fault(f"patching {cls.__qualname__}")

    def _hook(self, base: type) -> None:
        own = vars(base).get(_HOOK)
        if self._is_ours(own):
            return

        def __init_subclass__(cls: type, **kwargs: Any) -> None:
            if own is not None:
                own.__get__(None, cls)(**kwargs)
            else:
                super_of(base, cls).__init_subclass__(**kwargs)
            self._class_made(cls)

        self._replace(base, _HOOK, classmethod(cast(Any, __init_subclass__)))


def _with_subclasses(base: type) -> List[type]:
    classes: Dict[int, type] = {}
    queue = [base]
    while queue:
        cls = queue.pop()
        if id(cls) not in classes:
            classes[id(cls)] = cls
            queue.extend(type.__subclasses__(cls))
    return list(classes.values())
