"""Applies probes to a program and takes them back: all of an installation or none of it.

Hooks run right after a module's own import, before anybody can bind its names elsewhere. A target
that is missing is noted and left alone; forks and other versions of the devkit differ.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Set, Tuple, cast

import wrapt

from nutrace.probes.blocks import Bracket
from nutrace.probes.kinds import does_nothing, following, is_probed, noting, site_of, stand_in
from nutrace.probes.probe import LEVELS, Probe
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.span import process_state

_ABSENT = object()


class Engine:
    """One installation of probes.

    Its probes record while :attr:`switch` holds something.

    Parameters
    ----------
    probes:
        Declarations; those finer than `level` are left out.
    level:
        ``coarse``, ``normal`` or ``fine``.
    """

    def __init__(self, probes: Iterable[Probe], level: str = "normal") -> None:
        self._wanted = LEVELS[: LEVELS.index(level) + 1]
        self.probes = self._sorted(probes)
        #: Not the decorators' switch: a wrapper that somebody wrapped stays behind when we leave,
        #: and must not record beside the next installation's.
        self.switch = Switch()
        self.applied: List[str] = []
        self.missing: Dict[str, str] = {}
        self._undo: List[Callable[[], None]] = []
        self._originals: Dict[int, Any] = {}  # by id() of what replaced them, which _undo keeps alive
        self._replaced: Set[Tuple[int, str]] = set()
        self._families: Dict[type, List[Tuple[str, Probe]]] = {}
        self._awaited: Dict[str, List[Probe]] = {}  # by module, for its import
        self._active = False

    # -- installing --------------------------------------------------------------------------

    def install(self) -> None:
        """Apply every probe whose module is imported, now, and the others when theirs is.

        Raises
        ------
        Exception
            Whatever went wrong; nothing is left wrapped then.
        """
        if self._active:
            return
        self._active = True
        for probes in self._awaited.values():
            probes.clear()
        try:
            self._apply_or_await(self.probes)
        except BaseException:
            self.uninstall()
            raise

    def add(self, probes: Iterable[Probe]) -> None:
        """Apply more probes to an installation, as :meth:`install` would have."""
        more = self._sorted(probes)
        self.probes += more
        if self._active:
            self._apply_or_await(more)

    def _sorted(self, probes: Iterable[Probe]) -> List[Probe]:
        # Brackets last: their two calls lie inside the span, and so do the spans of the calls.
        wanted = (probe for probe in probes if probe.level in self._wanted)
        return sorted(wanted, key=lambda probe: probe.until is not None)

    def _apply_or_await(self, probes: List[Probe]) -> None:
        by_module: Dict[str, List[Probe]] = {}
        for probe in probes:
            by_module.setdefault(probe.module, []).append(probe)
        for module, group in by_module.items():
            if module in sys.modules:
                self._apply_all(sys.modules[module], group, late=True)
            elif module in self._awaited:  # wrapt's hooks cannot be taken back: one serves all
                self._awaited[module] += group
            else:
                self._awaited[module] = group
                wrapt.register_post_import_hook(self._imported, module)

    def uninstall(self) -> None:
        """Put back the very objects that were there; newest first."""
        self._active = False
        self.switch.off()
        self._unbind()
        while self._undo:
            try:
                self._undo.pop()()
            except Exception:  # law 5: one target that resists must not keep the others wrapped
                process_state.fault("restoring a target")
        self._originals.clear()
        self._replaced.clear()
        self._families.clear()
        self.applied.clear()

    def _imported(self, module: ModuleType) -> None:
        if self._active:
            try:
                self._apply_all(module, self._awaited.get(module.__name__, []), late=False)
            except Exception:  # law 1: an import of the program's must not fail because of us
                process_state.fault(f"installing probes on {module.__name__}")

    def _apply_all(self, module: ModuleType, probes: List[Probe], late: bool) -> None:
        for probe in probes:
            try:
                self._apply(module, probe, late)
            except AttributeError as error:
                self.missing[probe.target] = str(error)

    def _apply(self, module: ModuleType, probe: Probe, late: bool) -> None:
        owner, name = _resolve(module, probe.qualname)
        if probe.subclasses and isinstance(owner, type):
            self._adopt_family(owner, name, probe)
        elif probe.until is not None:
            self._wrap_bracket(module, owner, name, probe)
        else:
            self._wrap(owner, name, probe, late)
        self.applied.append(probe.target)

    # -- one target --------------------------------------------------------------------------

    def _wrap(self, owner: Any, name: str, probe: Probe, late: bool = False) -> None:
        original = _held(owner, name)
        if is_probed(original):
            self._restore_copy(owner, name, original)
            return  # ours, or a decorator's, is there already
        if id(original) in self._originals:
            return  # a stand-in of ours, under another name of its module
        if probe.stand_in is not None:
            wrapped = probe.stand_in(original, self.switch)
        else:
            wrapped = stand_in(original, probe, owner, name, self.switch)
        self._replace(owner, name, wrapped)
        if late and isinstance(owner, ModuleType):
            self._rebind(owner, original, wrapped)

    def _wrap_bracket(self, module: ModuleType, owner: Any, name: str, probe: Probe) -> None:
        assert probe.until is not None
        end_module, _, end_name = probe.until.partition(":")
        home_of_end = module if end_module == module.__name__ else sys.modules.get(end_module)
        if home_of_end is None:
            raise AttributeError(f"{end_module} is not imported when {module.__name__} is")
        end_owner, end_attribute = _resolve(home_of_end, end_name)
        begin, end = _held(owner, name), _held(end_owner, end_attribute)
        bracket = Bracket(site_of(begin, probe.span_name, probe.component, owner), probe.note)
        opening = put_around(begin, noting(bracket.open, begin, owner, probe), self.switch)
        closing = put_around(end, bracket.close, self.switch)
        self._replace(end_owner, end_attribute, closing)
        self._replace(owner, name, opening)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        own = vars(owner).get(name, _ABSENT)
        try:
            setattr(owner, name, replacement)
        except (AttributeError, TypeError) as error:  # a type written in C, most often
            raise AttributeError(str(error)) from None
        self._originals[id(replacement)] = own
        self._restore_later(owner, name, replacement, own)

    def _restore_later(self, owner: Any, name: str, replacement: Any, own: Any) -> None:
        self._replaced.add((id(owner), name))

        def undo() -> None:
            if vars(owner).get(name) is not replacement:
                return  # somebody wrapped ours since: theirs stays, and ours is switched off
            if own is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

        self._undo.append(undo)

    def _restore_copy(self, owner: Any, name: str, probed: Any) -> None:
        """A class decorator may have copied our wrapper into a new class: restore it there too."""
        own = self._originals.get(id(probed), _ABSENT)
        if own is not _ABSENT and name in vars(owner) and (id(owner), name) not in self._replaced:
            self._restore_later(owner, name, probed, own)

    def _rebind(self, owner: ModuleType, original: Any, wrapped: Any) -> None:
        """Names that ``from module import function`` bound before we came."""
        for module in list(sys.modules.values()):
            if module is owner or not isinstance(module, ModuleType):
                continue
            for name, value in list(vars(module).items()):
                if value is original:
                    setattr(module, name, wrapped)  # `_unbind` finds it

    def _unbind(self) -> None:
        """Names that ``from module import function`` bound while ours stood there."""
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                names = vars(module)
                for name, value in list(names.items()):
                    own = self._originals.get(id(value), _ABSENT)
                    if own is not _ABSENT:
                        names[name] = own

    # -- families of subclasses --------------------------------------------------------------

    def _adopt_family(self, base: type, name: str, probe: Probe) -> None:
        _held(base, name)  # AttributeError: the fork has no such method
        if base not in self._families:
            self._families[base] = []
            self._watch_subclasses(base)
        self._families[base].append((name, probe))
        for cls in _with_subclasses(base):
            self._adopt(base, cls, name, probe)

    def _adopt(self, base: type, cls: type, name: str, probe: Probe) -> None:
        definer = next((parent for parent in cls.__mro__ if name in vars(parent)), None)
        if "__init_subclass__" in vars(cls):
            self._watch_subclasses(cls)  # it may not call the base's
        if definer is None or (definer is not cls and base in definer.__mro__):
            return  # inherited within the family, where it is wrapped
        if f"{cls.__module__}:{cls.__qualname__}" in probe.without:
            return
        held = vars(definer)[name]
        if not getattr(held, "__isabstractmethod__", False) and not does_nothing(held):
            # One odd subclass is no reason to leave the others out.
            with contextlib.suppress(AttributeError):
                self._wrap(cls, name, probe)

    def _created(self, cls: type) -> None:
        """A class statement of the program's has run, as far as the class itself goes."""
        try:
            for base in cls.__mro__:
                for name, probe in self._families.get(base, ()):
                    self._adopt(base, cls, name, probe)
        except Exception:  # law 1: a class statement of the program's must not fail
            process_state.fault(f"installing probes on {cls.__qualname__}")

    def _watch_subclasses(self, base: type) -> None:
        if (id(base), "__init_subclass__") in self._replaced:
            return
        own = vars(base).get("__init_subclass__")

        def __init_subclass__(cls: type, **kwargs: Any) -> None:
            if own is not None:
                own.__get__(None, cls)(**kwargs)
            else:
                following(base, cls).__init_subclass__(**kwargs)
            self._created(cls)

        self._replace(base, "__init_subclass__", classmethod(cast(Any, __init_subclass__)))


def _with_subclasses(base: type) -> List[type]:
    found: Dict[int, type] = {}
    queue = [base]
    while queue:
        cls = queue.pop()
        if id(cls) not in found:
            found[id(cls)] = cls
            queue.extend(type.__subclasses__(cls))
    return list(found.values())


def _resolve(module: ModuleType, qualname: str) -> Tuple[Any, str]:
    owner: Any = module
    *path, name = qualname.split(".")
    for part in path:
        owner = getattr(owner, part)
    _held(owner, name)
    return owner, name


def _held(owner: Any, name: str) -> Any:
    """The raw object behind a name: descriptors are not bound."""
    try:
        return inspect.getattr_static(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", owner)
        raise AttributeError(f"{where} has no {name}") from None
