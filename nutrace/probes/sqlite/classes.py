"""Recording classes under the names of sqlite3's.

sqlite3's classes cannot be changed. While tracing is on, the names ``sqlite3.Connection`` and
``sqlite3.Cursor`` are bound to subclasses that record, and what a program makes of these names records:
objects, and subclasses of its own. ``type(connection) is sqlite3.Connection`` holds as it does untraced.

The program's subclasses that were made before have sqlite3's class as their base. While tracing is on, the
recording methods are one more base of theirs, in front of it.
"""

from __future__ import annotations

import abc
import functools
import importlib
import sys
import types
import weakref
from types import FunctionType
from typing import Any, Dict, Tuple, cast

from nutrace.patching.switch import Switch
from nutrace.recording.span import process_state

SLOT = "_nutrace"

#: Where sqlite3 takes its names from: it has none while it is being imported. There is no import statement,
#: because this module may be imported while another thread imports sqlite3 and waits for our patches.
sqlite3: Any = sys.modules.get("sqlite3.dbapi2") or importlib.import_module("sqlite3.dbapi2")


class Beside:
    """An attribute of objects that have no slot for it. It is kept here for as long as the object lives."""

    def __init__(self) -> None:
        # By id(), because the program decides what its objects are equal to.
        self._values: Dict[int, Tuple[weakref.ref[Any], Any]] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        reference, value = self._values.get(id(instance), (None, None))
        if reference is None or reference() is not instance:
            raise AttributeError(SLOT)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        number, values = id(instance), self._values
        values[number] = weakref.ref(instance, lambda _: values.pop(number, None)), value


class RecordingClasses:
    """What stands for one of sqlite3's classes.

    Parameters
    ----------
    base:
        sqlite3's class.
    methods:
        A class with the methods that record, which becomes a base in front of `base`.
    """

    def __init__(self, base: type, methods: type) -> None:
        self.base = base
        self._methods = methods
        for name, method in vars(methods).items():
            if isinstance(method, FunctionType) and hasattr(base, name):
                functools.update_wrapper(method, getattr(base, name))  # for help() and inspect.signature
        self.current: Any = self._make(type)

    def renew(self, switch: Switch, *, program_has_some: bool) -> type:
        """The class to which sqlite3's name is bound while `switch` is on.

        Parameters
        ----------
        program_has_some:
            Whether the program may have objects and subclasses of sqlite3's class already.
        """
        if program_has_some:
            self.current = self._make(_Inclusive)
        switch.watch(self, RecordingClasses._turn)
        current: type = self.current
        return current

    def of(self, kind: Any) -> Any:
        """The recording class for sqlite3's own, and `kind` itself if it is anything else."""
        return self.current if kind is self.base else kind

    def _make(self, metaclass: type) -> type:
        base = self.base
        namespace: Dict[str, Any] = {
            "__slots__": (SLOT,),
            "__module__": base.__module__,
            "__qualname__": base.__qualname__,
            "__doc__": base.__doc__,
        }
        made: Any = types.new_class(
            base.__name__,
            (self._methods, base),
            {"metaclass": metaclass},
            lambda names: names.update(namespace),
        )
        del made.__slots__  # from which copy and pickle learn what to take along
        return made  # type: ignore[no-any-return]

    def _turn(self: Any, on: bool) -> None:
        """Let the program's subclasses of sqlite3's own class record, or no longer."""
        if on:
            for cls in type.__subclasses__(self.base):
                if self._methods not in cls.__mro__:
                    self._set_bases(cls, self._methods, self.base)
        else:
            for cls in type.__subclasses__(self._methods):
                if SLOT not in vars(cls):
                    self._set_bases(cls, self.base)

    def _set_bases(self, cls: type, *in_the_place_of_base: type) -> None:
        bases = [base for base in cls.__bases__ if base is not self._methods]
        at = bases.index(self.base)
        bases[at : at + 1] = in_the_place_of_base
        try:
            _set_bases(cls, tuple(bases))
        except Exception:  # the program's class may resist
            process_state.fault(f"tracing {cls.__qualname__}")


# As the program's metaclass may have a __setattr__ of its own.
_set_bases: Any = cast(Any, type.__dict__["__bases__"]).__set__


class _Inclusive(abc.ABCMeta):
    """The metaclass of a recording class of which sqlite3's own objects and subclasses count as its own.

    It is that of abstract classes, because a class may have only bases whose metaclasses go together.
    """

    def __instancecheck__(cls, instance: Any) -> bool:
        if SLOT in vars(cls):
            return isinstance(instance, cls.__base__)  # type: ignore[arg-type]
        return super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if SLOT in vars(cls):
            return issubclass(subclass, cls.__base__)  # type: ignore[arg-type]
        return super().__subclasscheck__(subclass)
