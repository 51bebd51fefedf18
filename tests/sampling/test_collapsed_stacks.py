"""Collapsed stacks as samplers write them, and files that hold none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.errors import InputError
from nutrace.sampling.collapsed import read_stacks
from nutrace.sampling.frame_text import parse_stack
from nutrace.sampling.stacks import MOST_SAMPLES, Function, Stacks

#: Lines as the samplers write them, and what they mean.
LINES: List[Tuple[str, str, Optional[int], List[Function]]] = [
    (
        "<module> (/w/run.py:1);Planner.compute (/w/my planner (2).py:40)",
        "py-spy",
        None,
        [("<module>", "/w/run.py", 1), ("Planner.compute", "/w/my planner (2).py", 40)],
    ),
    (
        'process 12:"python -c import a; b()";thread (0x7F3A): MainThread;f (a.py:2);memcpy (libc.so.6)',
        "py-spy",
        12,
        [("f", "a.py", 2), ("memcpy", "libc.so.6", 0)],
    ),
    (
        'process 1:"python run.py";process 12:"python child.py";f (a.py:2)',
        "py-spy",
        12,
        [("f", "a.py", 2)],
    ),
    (
        "thread (77);f (/w/nutrace/probes/wrappers.py (skipped like importlib._bootstrap):63)",
        "py-spy",
        None,
        [("f", "/w/nutrace/probes/wrappers.py (skipped like importlib._bootstrap)", 63)],
    ),
    (
        "P12;T0:12;/w/a.py:<module>:3;C:\\w\\b.py:f:4;:GC:",
        "austin",
        12,
        [("<module>", "/w/a.py", 3), ("f", "C:\\w\\b.py", 4), ("<GC>", "", 0)],
    ),
    ("P12;T7f3a;f (a.py);L12;g (b.py);L3", "austin", 12, [("f", "a.py", 0), ("g", "b.py", 0)]),
    ("P12;T12;:INVALID:;a.py:f:3", "austin", 12, [("f", "a.py", 3)]),
    (
        "tid:123;run.py:<module>:9;planner.py:Planner.compute:44;<GC>",
        "Python's sampler",
        None,
        [("<module>", "run.py", 9), ("Planner.compute", "planner.py", 44), ("<GC>", "", 0)],
    ),
    (
        "python;_start;py::Planner.compute:/w/a.py;_PyEval_EvalFrameDefault_[k]",
        "perf",
        None,
        [
            ("python", "", 0),
            ("_start", "", 0),
            ("Planner.compute", "/w/a.py", 0),
            ("_PyEval_EvalFrameDefault", "", 0),
        ],
    ),
    ("std::f(int) (lib.so);g (a.py)", "py-spy", None, [("std::f(int)", "lib.so", 0), ("g", "a.py", 0)]),
    ("main;compute;burn", "", None, [("main", "", 0), ("compute", "", 0), ("burn", "", 0)]),
    (
        "main.py:main;std::vector<int>::push",
        "",
        None,
        [("main", "main.py", 0), ("std::vector<int>::push", "", 0)],
    ),
]


@pytest.mark.parametrize(("text", "sampler", "pid", "functions"), LINES)
def test_stacks_of_samplers(text: str, sampler: str, pid: Optional[int], functions: List[Function]) -> None:
    stack = parse_stack(text)
    assert (stack.functions, stack.pid, stack.sampler) == (functions, pid, sampler)


def _read(path: Path) -> Stacks:
    ((stacks, pid),) = read_stacks(str(path))
    assert pid is None
    return stacks


def _write(folder: Path, content: bytes, name: str = "stacks.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_equal_stacks_are_added_up(tmp_path: Path) -> None:
    stacks = _read(_write(tmp_path, b"a;b 3\n\na 1\r\na;b 2\n"))
    assert (stacks.sampler, stacks.rate_hz, stacks.taken) == ("collapsed stacks", 0.0, 6)
    assert stacks.nodes == [[-1, 0, 1], [0, 1, 5]]


def test_a_byte_order_mark(tmp_path: Path) -> None:
    path = _write(tmp_path, b"\xef\xbb\xbf# austin: 3.7.0\n# interval: 100\nP1;T0:1;a.py:f:3 300\n")
    ((stacks, _),) = read_stacks(str(path))
    assert (stacks.rate_hz, stacks.taken, stacks.notes) == (10_000.0, 3, [])


def test_no_sum_of_samples_is_too_large(tmp_path: Path) -> None:
    stacks = _read(_write(tmp_path, b"a;b 1000000000000\n" * 1002))
    assert stacks.taken == MOST_SAMPLES
    assert any("2 of 1,002 lines are damaged" in note for note in stacks.notes)


def test_gzip(tmp_path: Path) -> None:
    assert _read(_write(tmp_path, gzip.compress(b"a;b 3\n"), "stacks.txt.gz")).taken == 3


def test_processes_are_kept_apart(tmp_path: Path) -> None:
    path = _write(tmp_path, b'process 1:"a";f (a.py:1) 2\nprocess 2:"a";f (a.py:1) 3\n')
    assert [(stacks.taken, pid) for stacks, pid in read_stacks(str(path))] == [(2, 1), (3, 2)]


def test_austins_times_are_divided_by_its_interval(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        b"# austin: 3.7.0\n# interval: 10000\n# mode: wall\n\nP1;T0:1;a.py:f:3 31000\nP1;T0:1;a.py:g:3 90\n",
    )
    ((stacks, _),) = read_stacks(str(path))
    assert (stacks.sampler, stacks.rate_hz) == ("austin 3.7.0", 100.0)
    assert [count for _, _, count in stacks.nodes] == [3, 1]


def test_austin_without_an_interval(tmp_path: Path) -> None:
    path = _write(tmp_path, b"P1;T0:1;a.py:f:3 31000,1,-5\nP1;T0:1;a.py:f:3 90,0,7\n")
    ((stacks, _),) = read_stacks(str(path))
    assert stacks.taken == 2
    assert "does not say austin's interval" in stacks.notes[0]


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    lines = [b"a;b 3", b"a;b -3", b"a;b 1e9", b"a;b", b"9" * 30, b"a;b 99999999999999", b"\xff\xfe 2", b" 7"]
    lines += [b"x" * (1 << 24) + b"y 5", b"c 1"]
    path = _write(tmp_path, b"\n".join(lines))
    stacks = _read(path)
    assert stacks.taken == 6
    assert any("6 of 10 lines are damaged" in note for note in stacks.notes), stacks.notes
    assert any("7 samples have no frames" in note for note in stacks.notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty: record stacks with py-spy record --idle --function --full-filenames -f raw"),
        (b"\n \n", "is empty"),
        (b"hello\nworld\n", "holds no collapsed stacks (outer;inner 12 in each line)"),
        (b" 12\n", "has samples without a single frame"),
        (json.dumps({"$schema": "https://www.speedscope.app/file-format-schema.json"}).encode(), "is JSON"),
        (b'\xef\xbb\xbf\n{"resourceSpans":[]}', "is JSON"),
        (b"<?xml version='1.0'?><svg/>", "is a drawing"),
        (b"<!DOCTYPE html>", "is a page"),
        (b"MOJ\x03\x01", "convert it with mojo2austin"),
        (b"PERFILE2\0\0", "stackcollapse-perf.pl"),
        (b"\x7fELF\x02\0\0", "is binary"),
        (gzip.compress(b"a;b 3\n" * 1000)[:-12], "is gzip, and damaged"),
        (b"# austin: 3.7.0\n# mode: memory\nP1;T1;a.py:f:3 -5\n", "samples of memory, not of time"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_files_that_hold_no_stacks(tmp_path: Path, content: bytes, says: str) -> None:
    path = _write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_stacks(str(path))
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: check the path"):
        read_stacks(str(tmp_path / "none.txt"))
    with pytest.raises(InputError, match="is a directory: name the file of collapsed stacks in it"):
        read_stacks(str(tmp_path))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = _write(tmp_path_factory.mktemp("stacks"), content)
    refusal = ""
    try:
        assert all(stacks.taken > 0 for stacks, _ in read_stacks(str(path)))
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal


_NAMES = st.text("abcXYZ_.<>$", min_size=1, max_size=8)
_STACKS = st.lists(
    st.tuples(st.lists(_NAMES, min_size=1, max_size=5), st.integers(1, 10**6)), min_size=1, max_size=20
)


@given(_STACKS)
def test_no_sample_is_lost(
    tmp_path_factory: pytest.TempPathFactory, stacks: List[Tuple[List[str], int]]
) -> None:
    lines = [f"main;{';'.join(names)} {count}" for names, count in stacks]
    path = _write(tmp_path_factory.mktemp("stacks"), "\n".join(lines).encode())
    assert sum(some.taken for some, _ in read_stacks(str(path))) == sum(count for _, count in stacks)
