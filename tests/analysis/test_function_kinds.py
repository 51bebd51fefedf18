"""Generators are recognised by their source, if it can be read and is of the same version."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import pytest

from nutrace.analysis import function_kinds
from nutrace.analysis.function_kinds import Kind, kind_of

SOURCE = '''
from contextlib import contextmanager
import contextlib, functools

def plain(): return 1

def rows(
    a,
    b,
):
    """Text with yield
in it, far left
"""
    yield a

def outer():
    def inner(): yield 1
    class Local:
        def method(self): yield 2
    each = lambda: (yield)
    text = """
def not_a_function(): yield
"""
    return inner

class Thing:
    @property
    @functools.lru_cache()
    def values(self): return [(yield)]

    @contextlib.contextmanager
    def managed(self):
        yield self

    def after(self):
        text = """
far left
"""
        yield text

    async def wait(self): return 1

@contextmanager
def managed(): yield

def says_yield(): return "yield"
'''


def _line(text: str) -> int:
    return SOURCE[: SOURCE.index(text)].count("\n") + 1


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize(
    ("begins", "name", "kind"),
    [
        ("def plain", "plain", Kind.FUNCTION),
        ("def rows", "rows", Kind.GENERATOR),
        ("def outer", "outer", Kind.FUNCTION),
        ("    def inner", "inner", Kind.GENERATOR),
        ("class Thing", "Thing", Kind.FUNCTION),
        ("    @property", "values", Kind.GENERATOR),
        ("    @contextlib", "managed", Kind.CONTEXT_MANAGER),
        ("    def after", "after", Kind.GENERATOR),
        ("    async def wait", "wait", Kind.COROUTINE),
        ("@contextmanager\ndef", "managed", Kind.CONTEXT_MANAGER),
        ("def says_yield", "says_yield", Kind.FUNCTION),
        ("def rows", "other_name", Kind.UNKNOWN),
        ("import contextlib", "plain", Kind.UNKNOWN),
    ],
)
def test_kinds(file: str, begins: str, name: str, kind: Kind) -> None:
    assert kind_of(file, _line(begins), name) is kind


def test_what_needs_no_source() -> None:
    assert kind_of("no such file.py", 1, "<genexpr>") is Kind.GENERATOR
    assert kind_of("no such file.py", 1, "<listcomp>") is Kind.FUNCTION
    assert kind_of("~", 0, "<built-in method builtins.len>") is Kind.FUNCTION
    assert kind_of("no such file.py", 1, "f") is Kind.UNKNOWN


def test_every_function_of_this_library_is_known_for_what_it_is() -> None:
    """Compare with Python itself, which knows the generators of some large modules."""
    import argparse
    import ast as module_of_trees
    import contextlib as managers
    import dataclasses
    import tokenize

    known = 0
    for module in (argparse, module_of_trees, managers, dataclasses, tokenize, inspect, os, function_kinds):
        for function in _functions(module):
            code = function.__code__
            if code.co_filename != module.__file__ or code.co_name.startswith("<"):
                continue
            kind = kind_of(code.co_filename, code.co_firstlineno, code.co_name)
            expected = Kind.GENERATOR if inspect.isgeneratorfunction(function) else Kind.FUNCTION
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                expected = Kind.COROUTINE
            assert kind is expected or (kind, expected) == (Kind.CONTEXT_MANAGER, Kind.GENERATOR), function
            known += 1
    assert known > 300


def _functions(module: Any) -> list[Any]:
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    every = [value for holder in (module, *classes) for value in vars(holder).values()]
    return [value for value in every if inspect.isfunction(value)]


def test_devices_pipes_and_large_files_are_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)  # opening it would wait forever
    device = tmp_path / "device.py"
    device.symlink_to("/dev/zero")
    large = tmp_path / "large.py"
    with open(large, "wb") as out:
        out.truncate(function_kinds._LARGEST + 1)
    for path in (pipe, device, large, tmp_path, "/dev/zero", "\0.py"):
        assert kind_of(str(path), 1, "f") is Kind.UNKNOWN


def test_source_that_is_none(tmp_path: Path) -> None:
    for text in ("def f(:\n  yield", "def f():\n yield " + "(" * 5000, "def f():\n\0yield", "@a\n" * 300):
        path = tmp_path / f"bad{len(text)}.py"
        path.write_text(text)
        assert kind_of(str(path), 1, "f") in (Kind.UNKNOWN, Kind.FUNCTION)
