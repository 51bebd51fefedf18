"""A set of patches: applied as a transaction, and undone by putting back the very objects that were there."""

from __future__ import annotations

import itertools
import sys
import weakref
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from nutrace.patching.families import Families
from nutrace.patching.imports import forget, on_import
from nutrace.patching.lock import lock
from nutrace.patching.originals import ABSENT, Originals
from nutrace.patching.rebinding import rebind
from nutrace.patching.replacement import MissingTarget, Patch
from nutrace.patching.switch import Switch
from nutrace.patching.targets import raw, resolve, split


class Patches:
    """Patches that are applied together, and undone together.

    A patch is applied at once if its module is imported, and else right after the module's import. Nothing of
    the program is kept alive: a class that has been patched is freed as it would be without.

    Parameters
    ----------
    patches:
        In the order in which they are applied to a module.
    fault:
        Called while an exception is handled that must not reach the program, with what was being done.
    after:
        Called after patches have been applied, and again after those of a module that is imported later.
    """

    def __init__(
        self,
        patches: Iterable[Patch],
        fault: Callable[[str], None],
        after: Optional[Callable[[], None]] = None,
    ) -> None:
        #: On and off for the replacements. The owner of the patches switches it on, and :meth:`undo` off.
        self.switch = Switch()
        self.applied: List[str] = []  # targets
        self.missing: Dict[str, str] = {}  # why targets are missing
        self.active = False
        self._patches = list(patches)
        self._fault = fault
        self._after = after
        self._originals = Originals()
        self._families = Families(self._put, self._replace, self._originals.has, fault)
        self._waiting: Dict[str, List[Patch]] = {}  # by the module that is not imported yet
        # What was set, oldest first; an owner that is freed takes its entries away.
        self._set: Dict[int, Tuple[Callable[[], Any], str]] = {}
        self._numbers = itertools.count()

    def install(self) -> None:
        """Apply the patches.

        Raises
        ------
        Exception
            If a module of the program raises while a target is looked up; nothing is patched then.
        """
        with lock:
            if self.active:
                return
            self.active = True
            self.missing.clear()
        self._apply_or_wait(self._patches)

    def add(self, patches: Iterable[Patch]) -> None:
        """Apply more patches, if these are applied; otherwise :meth:`install` will.

        Raises
        ------
        Exception
            As :meth:`install` does; the patches that were applied before are undone as well.
        """
        more = list(patches)
        self._patches += more
        if self.active:
            self._apply_or_wait(more)

    def undo(self) -> None:
        """Put back what was there, newest first. What somebody else has replaced meanwhile stays."""
        with lock:
            self.active = False
            self.switch.off()
            for module in self._waiting:
                forget(module, self._imported)
            self._waiting.clear()
            rebind(self._originals.table())
            for owner, name in reversed(list(self._set.values())):
                try:
                    self._restore(owner(), name)
                except Exception:  # one target that resists must not keep the others replaced
                    self._fault("restoring a target")
            self._set.clear()
            self._originals.clear()
            self._families.clear()
            self.applied.clear()

    def _apply_or_wait(self, patches: List[Patch]) -> None:
        try:
            with lock:
                if not self.active:  # undone by another thread in this moment
                    return
                awaited: Dict[str, List[Patch]] = {}
                for patch in patches:
                    names = _not_imported(patch)
                    for name in names:
                        awaited.setdefault(name, []).append(patch)
                    if not names:
                        self._apply_if_there(patch)
                # Names that `from module import function` bound before the patches were applied.
                rebind(self._originals.replaced_in_modules())
        except BaseException:
            self.undo()
            raise
        if self._after is not None:
            self._after()
        self._wait(awaited)

    def _wait(self, by_module: Dict[str, List[Patch]]) -> None:
        for name, patches in by_module.items():
            with lock:
                if not self.active:
                    return
                known = name in self._waiting
                self._waiting.setdefault(name, []).extend(patches)
            if not known:
                # Without our lock: wrapt has one of its own, which it may hold while it calls us.
                on_import(name, self._imported)
                if not self.active:  # undone by another thread in this moment
                    forget(name, self._imported)

    def _imported(self, module: ModuleType) -> None:
        with lock:
            patches = self._waiting.pop(module.__name__, [])
            if not self.active:
                return
            known = self._originals.replaced_in_modules()
            for patch in patches:
                if any(name != module.__name__ for name in _not_imported(patch)):
                    continue  # it waits for that one as well
                try:
                    self._apply_if_there(patch, module)
                except Exception:  # neither the program's import nor the other patches fail because of us
                    self._fault(f"patching {patch.target}")
            try:
                made = self._originals.replaced_in_modules()
                # Modules that this one imports, and that import it, have bound its names already.
                rebind({number: made[number] for number in made.keys() - known.keys()}, since=module)
            except Exception:
                self._fault(f"looking through the names of {module.__name__}")
            if self._after is not None:
                self._after()

    def _apply_if_there(self, patch: Patch, imported: Optional[ModuleType] = None) -> None:
        """Apply `patch`, whose modules are imported; `imported` is the one of them that just was."""
        name = split(patch.target)[0]
        module = imported if imported is not None and imported.__name__ == name else sys.modules[name]
        try:
            self._apply(module, patch)
        except MissingTarget as error:
            # A pair's other module may still be on its way, and then the pair is tried again.
            self.missing[patch.target] = str(error)
            return
        self.missing.pop(patch.target, None)
        if patch.partner is not None:
            for waiting in self._waiting.values():
                waiting[:] = [other for other in waiting if other is not patch]

    def _apply(self, module: ModuleType, patch: Patch) -> None:
        owner, name = resolve(module, split(patch.target)[1])
        if patch.partner is not None:
            self._put_both(module, (owner, name, patch), patch.partner)
        elif patch.subclasses and isinstance(owner, type):
            self._families.adopt(owner, name, patch)
        else:
            self._put(owner, name, patch)
        self.applied.append(patch.target)

    def _put(self, owner: Any, name: str, patch: Patch) -> None:
        original = raw(owner, name)
        if self._originals.has(original):
            # Ours, under another name; or a class decorator has copied it into a class that it made anew.
            if name in vars(owner):
                self._undo_later(owner, name)
            return
        replacement = self._originals.replacement_of(original) if isinstance(owner, ModuleType) else None
        if replacement is None:
            replacement = self._make(original, owner, name, patch)
        if replacement is original:
            return
        self._replace(owner, name, replacement)
        if isinstance(owner, type):
            for alias, value in list(vars(owner).items()):
                if value is original:  # `alias = method` in the body of the class
                    self._replace(owner, alias, replacement)

    def _put_both(self, module: ModuleType, first: Tuple[Any, str, Patch], partner: Patch) -> None:
        its_module, qualname = split(partner.target)
        other = module if its_module == module.__name__ else sys.modules[its_module]
        changes = []
        for owner, name, patch in (first, (*resolve(other, qualname), partner)):
            original = raw(owner, name)
            replacement = self._make(original, owner, name, patch)
            if replacement is original:
                return
            changes.append((owner, name, replacement))
        (owner, name, replacement), (other_owner, other_name, other_replacement) = changes
        self._replace(other_owner, other_name, other_replacement)
        try:
            self._replace(owner, name, replacement)
        except MissingTarget:
            self._restore(other_owner, other_name)
            raise

    def _make(self, original: Any, owner: Any, name: str, patch: Patch) -> Any:
        """The replacement; `original` if the target is left as it is."""
        try:
            return patch.replacement(original, owner, name, self.switch)
        except MissingTarget:
            raise
        except Exception:  # a fault of ours: the program goes on with this target as it is
            self._fault(f"replacing {patch.target}")
            return original

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        own = vars(owner).get(name, ABSENT)
        self._originals.keep(replacement, own, in_module=isinstance(owner, ModuleType))
        try:
            setattr(owner, name, replacement)
        except (AttributeError, TypeError) as error:  # a type written in C, most often
            raise MissingTarget(str(error)) from None
        self._undo_later(owner, name)

    def _undo_later(self, owner: Any, name: str) -> None:
        number, entries = next(self._numbers), self._set
        try:
            reference: Callable[[], Any] = weakref.ref(owner, lambda _: entries.pop(number, None))
        except TypeError:  # an object that cannot be referred to weakly
            reference = lambda: owner  # noqa: E731
        entries[number] = reference, name

    def _restore(self, owner: Any, name: str) -> None:
        held = vars(owner).get(name) if owner is not None else None
        if not self._originals.has(held):
            return  # freed, restored already, or somebody has replaced ours
        own = self._originals.of(held)
        if isinstance(held, property) and (held.fset, held.fdel) != (own.fset, own.fdel):
            return  # the program has made another property of ours
        if own is ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _not_imported(patch: Patch) -> List[str]:
    """The modules of `patch` and its partner that are not imported."""
    targets = (patch.target,) if patch.partner is None else (patch.target, patch.partner.target)
    names = dict.fromkeys(split(target)[0] for target in targets)
    return [name for name in names if sys.modules.get(name) is None]
