"""The same stacks as different samplers write them end in the same spans, or have no place."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from fakes.tracing import Tracing
from fakes.witness import Witness

import nutrace
from nutrace.probes.catalogue import copies
from nutrace.sampling.attached import with_samples
from nutrace.sampling.join import AMBIGUOUS
from nutrace.sampling.stacks import Function
from nutrace.trace import Trace

Form = Callable[[List[Function]], str]


def _line_in(function: Function) -> int:
    """A line within the function, as samplers give it that do not look for the beginning."""
    return function[2] + 1


def py_spy(stack: List[Function]) -> str:
    return ";".join(f"{name} ({file}:{line})" for name, file, line in stack)


def py_spy_by_default(stack: List[Function]) -> str:
    return ";".join(f"{f[0]} ({os.path.join(*Path(f[1]).parts[-3:])}:{_line_in(f)})" for f in stack)


def py_spy_without_lines(stack: List[Function]) -> str:
    return ";".join(f"{name} ({file})" for name, file, _ in stack)


def austin(stack: List[Function]) -> str:
    return f"P{os.getpid()};T0:1;" + ";".join(
        f"{f[1]}:{f[0].rpartition('.')[2]}:{_line_in(f)}" for f in stack
    )


def pythons_own(stack: List[Function]) -> str:
    return "tid:1;" + ";".join(f"{os.path.basename(f[1])}:{f[0]}:{_line_in(f)}" for f in stack)


def perf(stack: List[Function]) -> str:
    frames = "_PyEval_EvalFrameDefault;".join(f"py::{name}:{file};" for name, file, _ in stack)
    return f"python;_start;{frames}PyLong_Add"


def names(stack: List[Function]) -> str:
    return ";".join(name for name, _, _ in stack)


FORMS = [py_spy, py_spy_by_default, py_spy_without_lines, austin, pythons_own, perf, names]


class Copied:
    def __init__(self, witness: Witness) -> None:
        self.witness = witness

    def __deepcopy__(self, memo: Any) -> Copied:
        self.witness()
        return self


class Program:
    """Probed functions, and what calls them."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness

    @nutrace.probe(name="outer")
    def outer(self) -> None:
        self.between()
        self.witness()
        list(self.numbers())
        copy.deepcopy(Copied(self.witness))

    def between(self) -> None:
        self.inner()

    @nutrace.probe(name="inner")
    def inner(self) -> None:
        self.work()

    def work(self) -> None:
        self.witness()

    @nutrace.probe(name="numbers")
    def numbers(self) -> Iterator[int]:
        self.work()
        yield 1


@pytest.fixture
def run(recorded: Tracing) -> Tuple[Trace, Witness]:
    witness = Witness()
    with recorded(*copies.PROBES):
        Program(witness).outer()
    return recorded.trace, witness


def _placed(trace: Trace, folder: Path, line: str) -> Tuple[str, List[str]]:
    path = folder / "stacks.txt"
    path.write_text(f"{line} 10000\n", encoding="utf-8")
    sampled = with_samples(trace, [str(path)]).sampled
    assert sampled is not None
    spans = {trace.name[span] for span, group in enumerate(sampled.group_of) if group >= 0}
    functions = [sampled.functions[i].name.rpartition(".")[2] for g in sampled.groups for i in g.function]
    return "/".join(sorted(spans)), functions


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_forms(run: Tuple[Trace, Witness], tmp_path: Path, form: Form) -> None:
    trace, witness = run
    placed = [_placed(trace, tmp_path, form(stack)) for stack in witness.stacks]
    leaf = ["PyLong_Add"] if form is perf else []  # native, and nothing of Python's follows
    assert placed[:3] == [("inner", ["work", *leaf]), ("outer", leaf), ("numbers", ["work", *leaf])]
    where, functions = placed[3]
    if form is names:  # where a copy begins only the file of a wrapper tells
        assert where == "outer"
    else:
        assert (where, functions[-1 - len(leaf)]) == ("copy.deepcopy", "__deepcopy__")


def test_names_alone_may_be_ambiguous(recorded: Tracing, tmp_path: Path) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        for work in (first(), second()):
            work()

    def first() -> Callable[[], None]:
        @nutrace.probe(name="first")
        def compute() -> None: ...

        return compute

    def second() -> Callable[[], None]:
        @nutrace.probe(name="second")
        def compute() -> None: ...

        return compute

    with recorded():
        outer()
    path = tmp_path / "stacks.txt"
    path.write_text("main;outer;compute 7\nmain;outer 3\n")
    sampled = with_samples(recorded.trace, [str(path)]).sampled
    assert sampled is not None
    assert (sampled.taken, sampled.placed, sampled.unplaced) == (10, 3, {AMBIGUOUS: 7})


def test_same_names_in_different_files(run: Tuple[Trace, Witness], tmp_path: Path) -> None:
    trace, witness = run
    other = [(name, file.replace("test_text_forms", "other"), line) for name, file, line in witness.stacks[0]]
    assert _placed(trace, tmp_path, py_spy(other)) == ("", [])


def test_processes_without_spans(run: Tuple[Trace, Witness], tmp_path: Path) -> None:
    trace, witness = run
    path = tmp_path / "stacks.txt"
    line = py_spy(witness.stacks[0])
    path.write_text(f'process 1:"init";{line} 4\nprocess {os.getpid()}:"python";{line} 6\n')
    sampled = with_samples(trace, [str(path)]).sampled
    assert sampled is not None
    assert (sampled.placed, sampled.unplaced) == (6, {"in processes without spans": 4})
