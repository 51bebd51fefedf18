"""The qualified names of functions, from real code objects."""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path
from typing import Iterator

import pytest

from nutrace.suggestions.source import Sources, Unreachable
from nutrace.trace.sampled import SampledFunction

_SOURCE = """\
import contextlib
import functools
import typing


def plain(): pass

@functools.lru_cache(
    maxsize=None,
)
@functools.wraps(plain)
def decorated(): pass

if True:
    def conditional(): pass

class Planner:
    def method(self): pass
    @property
    def value(self): pass
    @value.setter
    def value(self, new): pass
    @classmethod
    def by_class(cls): pass
    @staticmethod
    def static(): pass
    def __init__(self): pass
    def __private(self): pass
    class Inner:
        def __hidden(self): pass
    def gives(self):
        yield 1
    async def stream(self):
        yield 1
    async def waits(self):
        async def inner():
            yield 1

def outer():
    def nested(): pass
    class Local:
        def method(self): pass
    return lambda: [each for each in ()]

@contextlib.contextmanager
def managed(): yield

@typing.overload
def many(a): ...
def many(a, b=1): pass

def twice(): return 1
def twice(): return 2

match_all = {"lambda": lambda: 1}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "sample.py"
    path.write_text(_SOURCE, encoding="utf-8")
    return path


def _codes(code: types.CodeType, qualname: str = "") -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes(constant)


def _qualnames(file: Path) -> dict[str, str]:
    """What becomes of each code object of the file, by its name and line."""
    sources = Sources()
    named = {}
    for code in _codes(compile(file.read_text(encoding="utf-8"), str(file), "exec")):
        try:
            text = sources.qualname(SampledFunction(code.co_name, str(file), code.co_firstlineno))
        except Unreachable as error:
            text = f"({error})"
        named[f"{code.co_name}:{code.co_firstlineno}"] = text
    return named


def test_each_name_leads_to_the_function_itself(file: Path) -> None:
    """Python says whether they are right: the code at the end of the way is the one that was asked for."""
    spec = importlib.util.spec_from_file_location("sample", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reached = 0
    for place, qualname in _qualnames(file).items():
        if qualname.startswith("("):
            continue
        target = module
        for part in qualname.split("."):
            target = vars(target)[part]
        for inside in ("fget", "__func__"):
            target = getattr(target, inside, target)
        if qualname != "decorated":  # it is replaced by the decorator's
            code = target.__code__  # type: ignore[attr-defined]
            assert (code.co_name, code.co_firstlineno) == (place.split(":")[0], int(place.split(":")[1]))
        reached += 1
    assert reached == 15


def test_what_a_probe_cannot_name_is_said(file: Path) -> None:
    reasons = {place.split(":")[0]: text for place, text in _qualnames(file).items() if text[0] == "("}
    assert reasons["nested"] == "(it is defined inside another function)"
    assert reasons["<lambda>"] == "(it has no name)"
    assert "asynchronous generator" in reasons["stream"]
    assert "context manager" in reasons["managed"]
    assert "defines twice again" in reasons["twice"]
    assert reasons["value"] == "(it sets or deletes a property: only reading one can be probed)"
    assert "it is a declaration" in reasons["many"]


def test_without_a_line_the_name_must_be_the_only_one(file: Path) -> None:
    sources = Sources()
    assert sources.qualname(SampledFunction("static", str(file))) == "Planner.static"
    with pytest.raises(Unreachable, match="several of this name"):
        sources.qualname(SampledFunction("method", str(file)))
    assert sources.qualname(SampledFunction("Planner.method", str(file))) == "Planner.method"


def test_samplers_that_know_qualified_names(file: Path) -> None:
    """py-spy says ``Planner.method`` of Python 3.11 and later."""
    sources = Sources()
    assert (
        sources.qualname(SampledFunction("Planner.__private", str(file), 28)) == "Planner._Planner__private"
    )
    with pytest.raises(Unreachable, match="no name"):
        sources.qualname(SampledFunction("outer.<locals>.<lambda>", str(file), 43))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\n\ndef work(): pass\n", "it has changed since"),
        ("def other(): pass\n", "it has changed since"),
        ("def work(: pass\n", "cannot be parsed"),
        ("(" * 5000, "cannot be"),
        ("\0", "cannot be"),
        ("# coding: no-such\n", "cannot be"),
    ],
)
def test_sources_that_do_not_hold_the_function(tmp_path: Path, source: str, said: str) -> None:
    file = tmp_path / "work.py"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(Unreachable, match=said):
        Sources().qualname(SampledFunction("work", str(file), 1))


@pytest.mark.parametrize("file", ["/no/such/file.py", "/dev/zero", "/", "", "a\0b.py", "x" * 5000])
def test_files_that_are_no_source(file: str) -> None:
    with pytest.raises(Unreachable):
        Sources().qualname(SampledFunction("work", file, 1))
