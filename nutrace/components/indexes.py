"""Indexes on the devkit: its queries read the log, or the copy of it that has what they lack.

All queries of a simulation go through two functions, which take a statement and a file. They stay the
devkit's own, and are given the file that :class:`~nutrace.components.log_indexes.LogIndexes` names.
Engines of ``SessionManager``, which a simulation does not use, read the log.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, Dict, Generator, Mapping, Tuple

from nutrace.components.component import Misfit
from nutrace.components.index_options import Options
from nutrace.components.log_indexes import LogIndexes
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.recording.span import home

__all__ = ["LogIndexes", "Options", "Part", "build"]

_QUERIES = (
    ("nuplan.database.nuplan_db.query_session", "nuplan-devkit"),
    ("nutrace.demo.miniature.query_session", "nutrace"),
)
_Args = Tuple[Any, ...]
_Kwargs = Dict[str, Any]
_Redirected = Tuple[_Args, _Kwargs, str]

_TEXT, _FILE = 0, 2  # places among the arguments


class Part:
    """The indexes, and where the component stands."""

    def __init__(self, options: Options) -> None:
        self.indexes = LogIndexes(options)
        self.probes: Tuple[Probe, ...] = tuple(
            Probe(f"{module}:{function}", "database", stand_in=made, distribution=distribution)
            for module, distribution in _QUERIES
            for function, made in (("execute_many", self._many), ("execute_one", self._one))
        )

    def stats(self) -> Mapping[str, int]:
        """See :meth:`LogIndexes.stats`."""
        return self.indexes.stats()

    def close(self) -> None:
        """Forget what was found out; indexes and copies stay, for the next run."""
        self.indexes.clear()

    def _many(self, original: Any, switch: Switch) -> Any:
        redirected = self._redirecting(original, switch)
        if not inspect.isgeneratorfunction(inspect.unwrap(original)):
            raise Misfit(f"{original.__qualname__} is not a generator")

        indexes = self.indexes

        @functools.wraps(original)
        def execute_many(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            # A generator as well: nothing is looked at before the first row is asked for.
            args, kwargs, file = redirected(args, kwargs)
            if not file:
                return (yield from original(*args, **kwargs))
            with indexes.reading(file):
                return (yield from original(*args, **kwargs))

        return execute_many

    def _one(self, original: Any, switch: Switch) -> Any:
        redirected = self._redirecting(original, switch)

        @functools.wraps(original)
        def execute_one(*args: Any, **kwargs: Any) -> Any:
            args, kwargs, _ = redirected(args, kwargs)
            return original(*args, **kwargs)

        return execute_one

    def _redirecting(self, original: Any, switch: Switch) -> Callable[[_Args, _Kwargs], _Redirected]:
        if not inspect.isfunction(original):
            raise Misfit(f"{original!r} is not a function")
        names = list(inspect.signature(original).parameters)
        if len(names) != 3 or not names[_FILE].endswith("file"):
            raise Misfit(f"{original.__qualname__} takes other arguments than (query, parameters, file)")
        indexes = self.indexes
        in_place = indexes.options.place != "copy"

        def redirected(args: _Args, kwargs: _Kwargs) -> _Redirected:
            """The arguments with the file to read, and that file if it may be written to."""
            text = args[_TEXT] if args else kwargs.get(names[_TEXT])
            file = args[_FILE] if len(args) > _FILE else kwargs.get(names[_FILE])
            if not switch or type(text) is not str or type(file) is not str:
                return args, kwargs, ""  # what is wrong with them, the original says
            try:
                found = indexes.file_for(file, text)
            except Exception:  # law 1: a query of the program's must not fail because of us
                home.fault("choosing what a query reads")
                return args, kwargs, ""
            if found is file:
                return args, kwargs, file if in_place else ""
            if len(args) > _FILE:
                return (*args[:_FILE], found, *args[_FILE + 1 :]), kwargs, ""
            return args, {**kwargs, names[_FILE]: found}, ""

        return redirected


def build(options: Options) -> Part:
    """Make the component."""
    return Part(options)
