"""The public names of nutrace, and what their docstrings say."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from functools import cached_property
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple, Type

import nutrace
import nutrace.jupyter
from nutrace.jupyter.magic import CellMagic
from nutrace.jupyter.runs import Runs
from nutrace.semconv import COMPONENTS
from nutrace.trace.addresses import Scenario
from nutrace.trace.span_view import SpanView

#: Of these the members are public; what shows itself in a notebook is found by itself.
CLASSES = nutrace.Trace, SpanView, Scenario, nutrace.Settings, nutrace.Probe, Runs
_MEMBERS = property, cached_property, staticmethod, classmethod


def public() -> Dict[str, Any]:
    """What a user may write, by its name: functions, classes, methods, properties."""
    names = {f"nutrace.{name}": getattr(nutrace, name) for name in nutrace.__all__}
    names["%load_ext nutrace"] = nutrace.load_ipython_extension
    names["%%nutrace"] = CellMagic.__call__
    for kind in (*CLASSES, *shown()):
        if kind not in names.values():
            names[kind.__name__] = kind
        names.update({f"{kind.__name__}.{name}": member for name, member in members(kind)})
    return names


def shown() -> Iterator[Type[Any]]:
    """The classes of what a notebook shows."""
    for module in pkgutil.iter_modules(nutrace.jupyter.__path__, "nutrace.jupyter."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            is_public = inspect.isclass(kind) and kind.__module__ == module.name and not name.startswith("_")
            if is_public and hasattr(kind, "_repr_html_"):
                yield kind


def members(kind: Type[Any]) -> Iterator[Tuple[str, Any]]:
    """The methods and properties of a class, those that it inherits from nutrace's included."""
    seen = set()
    for base in kind.__mro__:
        for name, member in vars(base).items() if base.__module__.partition(".")[0] == "nutrace" else ():
            if name not in seen and not name.startswith("_"):
                seen.add(name)
                if isinstance(member, _MEMBERS) or inspect.isfunction(member):
                    yield name, member


def tables() -> List[Tuple[str, Any]]:
    """The methods that give a pandas table of a trace or a comparison."""
    return [
        (name, member)
        for name, member in public().items()
        if name.partition(".")[0] in ("Trace", "Compared")
        and getattr(member, "__annotations__", {}).get("return") == "DataFrame"
    ]


def doc(member: Any) -> str:
    """The docstring, not indented; "" if there is none."""
    member = getattr(member, "__func__", member)  # that of a class method
    return inspect.cleandoc(getattr(member, "__doc__", None) or "")


class Column(NamedTuple):
    """Columns that a docstring tells about together."""

    names: Tuple[str, ...]
    says: str
    written: str


def columns(member: Any) -> List[Column]:
    """What the docstring of a table says of its columns, in the section of that name."""
    section = re.search(r"^Columns\n-+\n(.*?)(?=^\w+\n---|\Z)", doc(member), re.DOTALL | re.MULTILINE)
    assert section, f"{member.__qualname__} does not say which columns it has"
    entries = re.findall(r"^(\S.*):\n((?:(?:    .*)?\n?)+)", section[1], re.MULTILINE)
    return [Column(_names(names), " ".join(text.split()), names) for names, text in entries]


def _names(written: str) -> Tuple[str, ...]:
    """``a_ms, b, and the same with ``_in_steps`` `` are a_ms, b, a_in_steps_ms and b_in_steps."""
    plain, _, more = written.partition(", and the same with ")
    names = plain.split(", ")
    if names[-1] == "...":  # of each component
        (name,) = names[:-1]
        return tuple(f"{component}_{name.partition('_')[2]}" for component in COMPONENTS)
    return tuple(
        _UNIT.sub(lambda unit: f"{part}{unit[0]}", name, count=1)  # noqa: B023
        for part in ("", *re.findall(r"``(\w+)``", more))
        for name in names
    )


_UNIT = re.compile(r"(_ms|_s|_mb|)\Z")
