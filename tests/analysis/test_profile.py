"""A profile compared with a trace of the same program, and alone: the parts sum to the count."""

from __future__ import annotations

import cProfile
import importlib
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import pytest
from fakes.otlp import trace_of
from fakes.tracing import Tracing

from nutrace.analysis.function_kinds import Kind
from nutrace.analysis.profile import Reconciliation, Row, reconcile
from nutrace.analysis.profile_file import Counted, read_profile
from nutrace.probes.probe import Probe

SOURCE = """
import copy
from contextlib import contextmanager

def rows(number):
    for row in range(number):
        yield row

def walk(tree):
    for child in tree:
        yield from walk(child)
    yield 0

def factorial(n): return n * factorial(n - 1) if n else 1

@contextmanager
def managed():
    yield

def plain(): return 1

def first(number):
    return next(rows(number))

class Query:
    def ask(self):
        return [row for row in rows(23)]

def program():
    for _ in range(300):
        Query().ask()
    list(walk([[[], []], []]))
    factorial(9)
    factorial(0)
    for _ in range(5):
        with managed():
            plain()
    copy.deepcopy([{"a": [1, 2]}, "b"])
"""
NAMES = ("rows", "walk", "factorial", "managed", "plain", "Query.ask")
Program = Tuple[Path, Callable[[str], Any]]


@pytest.fixture
def program(tmp_path: Path, module: Callable[[str, str], str]) -> Any:
    return importlib.import_module(module("counted_program", SOURCE))


def _profiled(path: Path, run: Callable[[], Any]) -> Tuple[Counted, ...]:
    profile = cProfile.Profile()
    profile.runcall(run)
    profile.dump_stats(str(path))
    return read_profile(str(path))


def _both(program: Any, recorded: Tracing, tmp_path: Path) -> Reconciliation:
    profile = _profiled(tmp_path / "x.prof", program.program)
    with recorded(*(Probe(f"counted_program:{name}") for name in NAMES)):
        program.program()
    return reconcile(profile, recorded.trace)


def _by_name(rows: Tuple[Row, ...]) -> Dict[str, Row]:
    return {row.counted.name: row for row in rows}


def _parts(row: Row) -> Tuple[Any, ...]:
    parts = row.parts
    return (row.counted.count, parts.calls, parts.resumptions, parts.recursion, parts.unexplained)


def test_counts_and_what_they_are_made_of(program: Any, recorded: Tracing, tmp_path: Path) -> None:
    known = _by_name(_both(program, recorded, tmp_path).known)
    assert set(known) == {name.rpartition(".")[2] for name in NAMES}
    assert _parts(known["rows"]) == (7200, 300, 6900, 0, 0)
    assert _parts(known["factorial"]) == (11, 2, 0, 9, 0)
    assert _parts(known["managed"]) == (10, 5, 5, 0, 0)
    assert _parts(known["plain"]) == (5, 5, 0, 0, 0)
    assert _parts(known["ask"]) == (300, 300, 0, 0, 0)
    # Five nodes; each yields its own 0 and what its children yield.
    count, calls, resumptions, recursion, rest = _parts(known["walk"])
    assert (calls, recursion, rest) == (1, 4, 0)
    assert count == calls + recursion + resumptions


def test_a_sentence_for_each_difference(program: Any, recorded: Tracing, tmp_path: Path) -> None:
    known = _by_name(_both(program, recorded, tmp_path).known)
    assert known["rows"].reasons[0] == (
        "7,200 = 300 calls + 6,900 resumptions: a generator that yields 23 values is counted 24 times"
    )
    assert known["factorial"].reasons[0].startswith("11 = 2 root calls + 9 recursive calls: ")
    assert known["managed"].reasons[0].startswith("10 = 5 calls + 5 resumptions: a context manager")
    assert known["plain"].reasons == ()
    assert [row.is_calls for row in known.values()] == sorted(row.is_calls for row in known.values())


def test_a_profile_alone_marks_what_is_no_calls(program: Any, tmp_path: Path) -> None:
    result = reconcile(_profiled(tmp_path / "x.prof", program.program))
    assert result.known == ()
    marked = _by_name(result.alone)
    assert set(marked) == {"rows", "walk", "factorial", "managed", "deepcopy"}
    assert _parts(marked["rows"]) == (7200, None, None, None, 0)
    assert "N + 1 for a call that yields N values" in marked["rows"].reasons[0]
    assert _parts(marked["managed"]) == (10, 5, 5, 0, 0)
    # The list; the dictionary, the text "a", the list in it, 1 and 2; "b".
    assert _parts(marked["deepcopy"]) == (7, 1, 0, 6, 0)
    assert marked["deepcopy"].reasons[0].startswith("7 = 1 root call + 6 recursive calls: copying one object")
    assert "_deepcopy_list 2" in marked["deepcopy"].reasons[1]
    assert result.counted == sum(row.count for row in read_profile(str(tmp_path / "x.prof")))


GIVING = """
import functools, itertools, threading
import nutrace

def rows(number):
    for row in range(number):
        yield row

@nutrace.probe
def lights():
    return rows(23)

@nutrace.probe
def either(number):
    return rows(number) if number else (row for row in "ab")

@nutrace.probe
def at_times(number):
    return rows(number) if number else []

@nutrace.probe
def other(*given):
    return sum(map(len, map(list, given)))

@nutrace.probe
def outer():
    return lights()

def _walk(depth):
    if depth:
        yield from walk(depth - 1)
        yield from walk(depth - 1)
    yield depth

@nutrace.probe
def walk(depth):
    return _walk(depth)

def relaying(function):
    @functools.wraps(function)
    def inner(*args):
        yield from function(*args)
    return inner

@relaying
def relayed():
    yield from "abc"

@nutrace.probe
def indirect():
    return relayed()

def as_plain(function):
    return functools.wraps(function)(lambda *args: function(*args))

@nutrace.probe
@as_plain
def wrapped():
    yield from "abc"

def plainly():
    for number in range(300):
        list(lights())

def at_once():
    for number in range(10):
        list(itertools.zip_longest(lights(), lights()))

def later():
    for number in range(10):
        given = lights()
        other([1])
        list(given)

def elsewhere():
    for number in range(10):
        other(lights())

def in_a_thread():
    thread = threading.Thread(target=list, args=[lights()])
    thread.start()
    thread.join()

def by_way_of_another():
    list(outer())

def of_several():
    for number in (3, 0, 2, 0):
        list(either(number))
    for number in (0, 4):
        list(at_times(number))
    list(rows(9))

def deep():
    list(walk(3))

def wraps():
    list(indirect())
    list(wrapped())
"""


@pytest.mark.parametrize(
    ("way", "parts"),
    [
        ("plainly", {"rows": (7200, 300, 6900, 0, 0), "lights": (300, 300, 0, 0, 0)}),
        ("at_once", {"rows": (480, 20, 460, 0, 0), "lights": (20, 20, 0, 0, 0)}),
        ("later", {"rows": (240, 10, 230, 0, 0), "lights": (10, 10, 0, 0, 0)}),
        ("elsewhere", {"rows": (240, 10, 230, 0, 0), "lights": (10, 10, 0, 0, 0)}),
        (
            "by_way_of_another",
            {"rows": (24, 1, 23, 0, 0), "lights": (1, 1, 0, 0, 0), "outer": (1, 1, 0, 0, 0)},
        ),
        ("of_several", {"rows": (4 + 3 + 5 + 10, 3, 9, 0, 10), "<genexpr>": (6, 2, 4, 0, 0)}),
        ("in_a_thread", {"lights": (1, 1, 0, 0, 0)}),
        ("deep", {"walk": (15, 1, 0, 14, 0)}),
        ("wraps", {"inner": (4, 1, 3, 0, 0), "indirect": (1, 1, 0, 0, 0), "wrapped": (4, 1, 3, 0, 0)}),
    ],
)
def test_a_generator_of_another_function_is_counted_there(
    recorded: Tracing,
    tmp_path: Path,
    module: Callable[[str, str], str],
    way: str,
    parts: Dict[str, Tuple[int, ...]],
) -> None:
    giving = importlib.import_module(module("giving_program", GIVING))
    run = getattr(giving, way)
    profile = _profiled(tmp_path / "x.prof", run)
    for _ in range(2):  # as well in a second recording
        with recorded():
            run()
        known = _by_name(reconcile(profile, recorded.trace).known)
        assert {name: _parts(known[name]) for name in parts} == parts
    if way == "plainly":
        assert known["rows"].reasons[0].startswith("7,200 = 300 calls + 6,900 resumptions: ")
        assert known["lights"].reasons[0].startswith("returns generators of another function, counted there")
    if way == "of_several":
        assert known["rows"].reasons[1].startswith("10 more than probes saw: it was called by others as well")
    assert not [row for row in known.values() if "did not do the same" in " ".join(row.reasons)]


def test_a_generator_given_up_early(program: Any, recorded: Tracing, tmp_path: Path) -> None:
    def run() -> None:
        for _ in range(10):
            program.first(5)

    profile = _profiled(tmp_path / "x.prof", run)
    with recorded(Probe("counted_program:rows")):
        run()
    (row,) = reconcile(profile, recorded.trace).known
    # Being closed enters a generator once more, or not at all since Python 3.13.
    assert row.counted.count in (10, 20)
    assert _parts(row)[1:3] == (10, 10)
    assert row.parts.unexplained in (0, -10)
    if row.parts.unexplained:
        assert "given up before the end" in row.reasons[-1]


def _traced(tmp_path: Path, *spans: Tuple[str, int, str, str, int]) -> Any:
    tree = [
        (
            name,
            10 * at,
            10 * at + 5,
            {"code.function.name": function, "code.file.path": file, "code.line.number": line, **more},
        )
        for at, (name, function, file, line, more) in enumerate(spans)  # type: ignore[misc]
    ]
    return trace_of(tmp_path, ("root", 0, 1000, tree))


def _row(file: str, line: int, name: str, count: int = 1, primitive: int = -1) -> Counted:
    return Counted(file, line, name, count, count if primitive < 0 else primitive, 0.0, 0.0)


HERE = "/home/me/src/nuplan/planning/simulation.py"
FUNCTION = "nuplan.planning.simulation.Simulation.run"


@pytest.mark.parametrize(
    ("file", "line", "matches"),
    [
        ("/opt/devkit/nuplan/planning/simulation.py", 7, True),
        ("C:\\devkit\\nuplan\\planning\\simulation.py", 7, True),
        ("nuplan/planning/simulation.py", 7, True),
        ("simulation.py", 7, True),  # of strip_dirs
        ("simulation.py", 8, False),
        ("/opt/nuplan/planning/simulation.py", 8, True),  # the only one of that name in the module
        ("/opt/devkit/nuplan/training/simulation.py", 7, False),
        ("/opt/devkit/my_nuplan/planning/simulation.py", 7, False),
        ("planning/simulation.py", 7, False),
    ],
)
def test_the_rule_of_what_is_the_same_function(tmp_path: Path, file: str, line: int, matches: bool) -> None:
    trace = _traced(tmp_path, ("span", FUNCTION, HERE, 7, {}))
    result = reconcile([_row(file, line, "run"), _row(file, 9, "ruN")], trace)
    assert len(result.known) == matches
    if matches and line == 8:
        assert "begins on line 7 in the run: another version of the file" in result.known[0].reasons


def test_two_of_one_name_on_other_lines_are_not_guessed(tmp_path: Path) -> None:
    trace = _traced(tmp_path, ("span", FUNCTION, HERE, 7, {}))
    assert reconcile([_row(HERE, 8, "run"), _row(HERE, 20, "run")], trace).known == ()
    both = _traced(tmp_path, ("a", FUNCTION, HERE, 7, {}), ("b", FUNCTION, HERE, 9, {}))
    assert reconcile([_row(HERE, 8, "run")], both).known == ()


def test_deep_copies_are_root_calls_wherever_they_were_asked_for(tmp_path: Path) -> None:
    composite = {"nutrace.composite.count": 3}
    trace = _traced(
        tmp_path,
        ("copy.deepcopy", "app.f", "/x/app.py", 5, composite),  # the caller, and the line of the call
        ("copy.deepcopy", "app.g", "/x/app.py", 9, {}),
    )
    copies = "/usr/lib/python3.11/copy.py"
    profile = [
        _row(copies, 128, "deepcopy", 5000, 4),
        _row(copies, 227, "_deepcopy_dict", 900, 400),
        _row("/x/app.py", 5, "f", 2),
    ]
    result = reconcile(profile, trace)
    (row,) = result.known
    assert _parts(row) == (5000, 4, 0, 4996, 0)
    assert row.reasons[0] == (
        "5,000 = 4 root calls + 4,996 recursive calls: "
        "copying one object calls deepcopy again for every object inside it"
    )
    assert result.alone == ()


def test_another_run_is_said_to_be_another(tmp_path: Path) -> None:
    trace = _traced(tmp_path, *[("span", FUNCTION, HERE, 7, {})] * 3)
    (row,) = reconcile([_row(HERE, 7, "run", 5)], trace).known
    assert _parts(row) == (5, 3, 0, 0, 2)
    assert "2 more than in the run" in row.reasons[1]


def test_threads_that_cprofile_does_not_see(tmp_path: Path) -> None:
    spans = [("span", FUNCTION, HERE, 7, {"thread.id": thread}) for thread in (1, 1, 2, 3, 3)]
    (row,) = reconcile([_row(HERE, 7, "run", 2)], _traced(tmp_path, *spans)).known  # type: ignore[arg-type]
    assert row.parts.unexplained == -3
    assert row.reasons[1].startswith("3 were in threads or processes")


def test_built_ins_are_called_even_from_within_themselves() -> None:
    result = reconcile([_row("~", 0, "<built-in method builtins.hash>", 10, 4), _row("x.py", 3, "f", 9)])
    assert result.alone == ()
    assert result.unreadable == 1


def test_times_out_of_line_have_a_sentence(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(5)]
    tree = [
        (
            name,
            100_000 * at,
            100_000 * (at + 1),
            {"code.function.name": f"app.{name}", "code.file.path": "/x/app.py", "code.line.number": 1 + at},
        )
        for at, name in enumerate(names)
    ]
    trace = trace_of(tmp_path, ("root", 0, 600_000, tree))
    times = (0.12, 0.12, 0.12, 0.5, 0.05)
    profile = [Counted("/x/app.py", 1 + at, name, 1, 1, 0.0, times[at]) for at, name in enumerate(names)]
    result = reconcile(profile, trace)
    assert result.time_ratio == pytest.approx(1.2)
    said = {row.counted.name: row.reasons for row in result.known}
    assert [name for name in names if said[name]] == ["f3", "f4"]
    assert said["f3"][0].startswith(
        "its time is 5.00 times that in the run, for all functions it is 1.20 times"
    )
    assert all(row.kind is not Kind.GENERATOR for row in result.known)
