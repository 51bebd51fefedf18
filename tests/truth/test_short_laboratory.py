"""The laboratory in small, with bounds far from the noise of a busy machine: what must never be so again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

import pytest

from truth.laboratory import Results, chosen, measure, middle_and_worst
from truth.page import page
from truth.questions import Question
from truth.registry import PROGRAMS, Program
from truth.runs import PROGRAMS as FOLDER
from truth.runs import Run
from truth.tools.nesting import Interval, functions
from truth.tools.registry import MODULES, inside, tools
from truth.tools.tool import Said, Seen

ROUNDS = 3

#: For each program shorter arguments, and questions with a tool and the largest error of its median.
#: The bounds are several times what is measured on a machine that does nothing else.
SHORT: Dict[str, Tuple[Tuple[str, ...], Sequence[Tuple[str, str, float]]]] = {
    "nested": (
        ("8",),
        [
            ("100 us with 10 children of 10 us: self time", "nutrace", 60),
            ("1 ms with 5 children: self time", "nutrace", 15),
            ("10 ms with 2 children: self time", "nutrace", 5),
            ("10 ms with 2 children: self time", "cprofile", 10),
            ("calls that are counted wrongly", "nutrace", 0),
        ],
    ),
    "generators": (
        ("40",),
        [
            ("a generator: self time", "nutrace", 30),
            ("a generator below `yield from`: self time", "nutrace", 30),
            ("a generator with `yield from`: self time", "nutrace", 60),
            ("calls that are counted wrongly", "nutrace", 0),
        ],
    ),
    "recursion": (("40",), [("the recursive function: self time", "nutrace", 30)]),
    "contexts": (
        ("200",),
        [
            ("the context manager: self time", "nutrace", 30),
            ("a function in its block: self time", "nutrace", 20),
        ],
    ),
    "tasks": (
        ("20",),
        [("100 us a turn: self time", "nutrace", 25), ("50 us a turn: self time", "nutrace", 25)],
    ),
    "native": (
        ("40",),
        [
            ("with the interpreter's lock: self time of its caller", "nutrace", 15),
            ("without the lock: self time of its caller", "nutrace", 10),
        ],
    ),
    "statements": (
        ("40",),
        [
            ("a statement whose execute is slow: its time", "nutrace", 30),
            ("a statement whose rows are slow: its time", "nutrace", 40),
        ],
    ),
}


def _program(name: str) -> Program:
    (program,) = (each for each in PROGRAMS if each.name == name)
    return program


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_what_nutrace_says_is_near_to_what_the_program_knows(name: str) -> None:
    arguments, bounds = SHORT[name]
    full = _program(name)
    program = replace(full, setups=dict.fromkeys(full.setups, arguments))
    asked = chosen(sorted({tool for _, tool, _ in bounds}), tools())
    results = measure([program], asked, ROUNDS)
    assert results.failures() == []
    questions = {question.text: question for question in program.questions}
    for text, tool, bound in bounds:
        question = questions[text]
        answer = middle_and_worst(question, results.answers(program, tool, question))
        assert answer is not None, (text, tool)
        assert abs(answer[0]) <= bound, (text, tool, answer)


def test_every_program_has_a_row_and_every_row_a_program() -> None:
    assert sorted(program.name for program in PROGRAMS) == sorted(file.stem for file in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_a_tool_has_its_own_name_and_says_what_its_numbers_mean(name: str) -> None:
    tool = inside(name)
    assert tool.name == name
    assert tool.meaning.endswith(".")


def _results(said_ns: Optional[float], failed: str = "") -> Results:
    functions = {} if said_ns is None else {"work": Seen(3, said_ns)}
    beside = Run({"work": 100.0}, {"work": 3}, {}, Said(functions), 5e6, failed)
    bare = Run({"work": 100.0}, {"work": 3}, {}, Said(), 4e6)
    return Results(runs={("p", "cprofile", "one"): [beside], ("p", "bare", "one"): [bare]})


def _self_time() -> Program:
    from truth.questions import counts, self_time

    return Program("p", "a program", {"one": ()}, (self_time("one", "work"), counts("one")))


def test_an_error_is_in_per_cent_of_the_truth() -> None:
    program = _self_time()
    answers = [_results(117.9).answers(program, "cprofile", question) for question in program.questions]
    assert answers == [[pytest.approx(17.9)], [0.0]]


def test_a_tool_that_says_nothing_has_a_dash_and_one_that_fails_a_line() -> None:
    text = page([_results(None)], [_self_time()], [inside("cprofile")])
    assert "| `work`: self time | - |" in text
    text = page([_results(100.0, "it broke")], [_self_time()], [inside("cprofile")])
    assert "- p beside cprofile (one): it broke" in text


def test_worst_is_what_is_farthest_from_the_truth() -> None:
    times = Question("", "times", lambda runs, bare: None)
    assert middle_and_worst(times, [1.1, 0.2, 1.3, None]) == (1.1, 0.2)
    assert middle_and_worst(times, [None]) is None


def test_raw_values_make_the_same_page_again(tmp_path: Path) -> None:
    results = _results(117.9)
    results.save(tmp_path / "raw.json")
    again = Results.load(tmp_path / "raw.json")
    asked = [inside("cprofile")]
    assert page([again], [_self_time()], asked) == page([results], [_self_time()], asked)


def test_what_foreign_functions_take_is_their_callers() -> None:
    calls = [
        Interval(1, 0, 100, "outer", True),
        Interval(1, 10, 50, "library", False),
        Interval(1, 20, 40, "inner", True),
        Interval(2, 15, 35, "inner", True),
    ]
    seen = functions(calls)
    assert (seen["outer"].self_ns, seen["inner"].self_ns, seen["library"].self_ns) == (80, 40, None)
    assert seen["inner"].calls == 2
