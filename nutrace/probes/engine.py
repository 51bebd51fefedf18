"""Applies probes to a program and takes them back: all of an installation or none of it.

Hooks run right after a module's own import, before anybody can bind its names elsewhere. A target
that is missing is noted and left alone; forks and other versions of the devkit differ.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, cast

import wrapt

from nutrace.probes import wrappers
from nutrace.probes.probe import LEVELS, Probe
from nutrace.probes.wrapped import ProbedFunction
from nutrace.recording.span import Site, home

_ABSENT = object()


class Engine:
    """One installation of probes.

    Parameters
    ----------
    probes:
        Declarations; those finer than `level` are left out.
    level:
        ``coarse``, ``normal`` or ``fine``.
    """

    def __init__(self, probes: Iterable[Probe], level: str = "normal") -> None:
        wanted = LEVELS[: LEVELS.index(level) + 1]
        self.probes = [probe for probe in probes if probe.level in wanted]
        self.applied: List[str] = []
        self.missing: Dict[str, str] = {}
        self._undo: List[Callable[[], None]] = []
        self._families: Dict[type, List[Tuple[str, Probe]]] = {}
        self._active = False

    # -- installing --------------------------------------------------------------------------

    def install(self) -> None:
        """Apply every probe whose module is imported, now, and the others when theirs is.

        Raises
        ------
        Exception
            Whatever went wrong; nothing is left wrapped then.
        """
        self._active = True
        by_module: Dict[str, List[Probe]] = {}
        for probe in self.probes:
            by_module.setdefault(probe.module, []).append(probe)
        try:
            for module, probes in by_module.items():
                if module in sys.modules:
                    self._apply_all(sys.modules[module], probes, late=True)
                else:
                    wrapt.register_post_import_hook(functools.partial(self._imported, probes), module)
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Put back the very objects that were there; newest first."""
        self._active = False
        while self._undo:
            self._undo.pop()()
        self._families.clear()
        self.applied.clear()

    def _imported(self, probes: List[Probe], module: ModuleType) -> None:
        if self._active:
            try:
                self._apply_all(module, probes, late=False)
            except Exception:  # law 1: an import of the program's must not fail because of us
                home.fault(f"installing probes on {module.__name__}")

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
        if _is_probed(original):
            return  # a decorator of ours is there already
        wrapped = _wrapped(original, probe, owner)
        if wrapped is not None:
            self._replace(owner, name, wrapped)
            if late and isinstance(owner, ModuleType):
                self._rebind(owner, original, wrapped)

    def _wrap_bracket(self, module: ModuleType, owner: Any, name: str, probe: Probe) -> None:
        assert probe.until is not None
        end_module, _, end_name = probe.until.partition(":")
        end = module if end_module == module.__name__ else sys.modules.get(end_module)
        if end is None:
            raise AttributeError(f"{end_module} is not imported when {module.__name__} is")
        end_owner, end_attribute = _resolve(end, end_name)
        bracket = wrappers.Bracket(_site(probe, _held(owner, name), owner), probe.note)
        closing = ProbedFunction(_held(end_owner, end_attribute), bracket.close, wrappers.switch)
        opening = ProbedFunction(_held(owner, name), bracket.open, wrappers.switch)
        self._replace(end_owner, end_attribute, closing)
        self._replace(owner, name, opening)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        own = vars(owner).get(name, _ABSENT)
        setattr(owner, name, replacement)

        def undo() -> None:
            if vars(owner).get(name) is not replacement:
                return  # somebody wrapped ours since: theirs stays, and ours is switched off
            if own is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

        self._undo.append(undo)

    def _rebind(self, owner: ModuleType, original: Any, wrapped: Any) -> None:
        """Names that ``from module import function`` bound before we came."""
        for module in list(sys.modules.values()):
            if module is owner or not isinstance(module, ModuleType):
                continue
            for name, value in list(vars(module).items()):
                if value is original:
                    self._replace(module, name, wrapped)

    # -- families of subclasses --------------------------------------------------------------

    def _adopt_family(self, base: type, name: str, probe: Probe) -> None:
        _held(base, name)  # AttributeError: the fork has no such method
        members = self._families.get(base)
        if members is None:
            members = self._families[base] = []
            self._watch_subclasses(base)
        members.append((name, probe))
        for cls in _with_subclasses(base):
            self._adopt(cls, name, probe)

    def _adopt(self, cls: type, name: str, probe: Probe) -> None:
        method = vars(cls).get(name, _ABSENT)
        if method is not _ABSENT and not getattr(method, "__isabstractmethod__", False):
            self._wrap(cls, name, probe)

    def _watch_subclasses(self, base: type) -> None:
        own = vars(base).get("__init_subclass__")

        def __init_subclass__(cls: type, **kwargs: Any) -> None:
            if own is not None:
                own.__get__(None, cls)(**kwargs)
            else:
                super(cast(Any, base), cls).__init_subclass__(**kwargs)
            if self._active:
                try:
                    for name, probe in self._families.get(base, ()):
                        self._adopt(cls, name, probe)
                except Exception:  # law 1: a class statement of the program's must not fail
                    home.fault(f"installing probes on {cls.__qualname__}")

        self._replace(base, "__init_subclass__", classmethod(cast(Any, __init_subclass__)))


def _with_subclasses(base: type) -> List[type]:
    found: List[type] = []
    queue = [base]
    while queue:
        cls = queue.pop()
        if cls not in found:
            found.append(cls)
            queue.extend(type.__subclasses__(cls))
    return found


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


def _is_probed(value: Any) -> bool:
    return isinstance(value, ProbedFunction) or (
        isinstance(value, property) and isinstance(value.fget, ProbedFunction)
    )


def _wrapped(original: Any, probe: Probe, owner: Any) -> Optional[Any]:
    """`original` with a span around it, as the same kind of descriptor."""
    if isinstance(original, property):
        if original.fget is None:
            return None
        getter = _wrapped(original.fget, probe, owner)
        return type(original)(getter, original.fset, original.fdel, original.__doc__)
    if isinstance(original, functools.cached_property):
        cached: Any = functools.cached_property(_wrapped(original.func, probe, owner))
        with contextlib.suppress(AttributeError):
            cached.__set_name__(owner, original.attrname)
        return cached
    function = original.__func__ if isinstance(original, (staticmethod, classmethod)) else original
    if not callable(function) or inspect.isasyncgenfunction(function):
        raise AttributeError(f"{probe.qualname} is not a function that a span can stand around")
    make = kind_of(function)
    wrapper = make(_site(probe, function, owner), probe.note, probe.note_result)
    return ProbedFunction(original, wrapper, wrappers.switch)


def kind_of(function: Any) -> Callable[..., wrappers.Wrapper]:
    if inspect.isgeneratorfunction(function):
        return wrappers.generator
    if inspect.iscoroutinefunction(function):
        return wrappers.coroutine
    code = getattr(function, "__code__", None)
    if code is not None and code.co_filename == contextlib.__file__:
        return wrappers.context_manager
    return wrappers.around


def _site(probe: Probe, function: Any, owner: Any) -> Site:
    return site_of(function, probe.span_name, probe.component, owner)


def site_of(function: Any, name: str, component: str, owner: Any = None) -> Site:
    """A function's site: where its code stands, for the code.* attributes."""
    inner = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(inner, "__code__", None)
    module = getattr(inner, "__module__", None) or getattr(owner, "__module__", "")
    qualified = getattr(inner, "__qualname__", name)
    return Site(
        name,
        component,
        function=f"{module}.{qualified}" if module else qualified,
        file=code.co_filename if code is not None else "",
        line=code.co_firstlineno if code is not None else 0,
    )
