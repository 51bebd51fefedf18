"""Profiles are read as Python's own reader reads them, and a bad one is refused without running code."""

from __future__ import annotations

import cProfile
import json
import marshal
import os
import pickle
import pstats
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.analysis import profile_file
from nutrace.analysis.profile_file import read_profile
from nutrace.errors import InputError

ROW = {("a.py", 3, "f"): (1, 2, 0.25, 0.5, {("b.py", 1, "g"): (1, 1, 0.1, 0.2)})}


def _profile(path: Path, function: Callable[[], Any] = lambda: json.dumps([1, {"a": [2.5]}])) -> Path:
    profile = cProfile.Profile()
    profile.runcall(function)
    profile.dump_stats(str(path))
    return path


def _write(path: Path, content: Any, *version: int) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else marshal.dumps(content, *version))
    return path


def test_it_reads_what_pstats_reads(tmp_path: Path) -> None:
    path = _profile(tmp_path / "x.prof")
    known: Dict[Any, Any] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    rows = {
        (row.file, row.line, row.name): (row.primitive, row.count, row.own_s, row.cumulative_s)
        for row in read_profile(str(path))
    }
    assert rows == {key: value[:4] for key, value in known.items()}
    assert len(rows) > 3


@pytest.mark.parametrize("version", [2, 3, 4])
def test_all_versions_of_marshal(tmp_path: Path, version: int) -> None:
    table = {**ROW, ("é\ud800.py", 1, "g"): (1 << 40, 1 << 60, 1, 0.0, {})}
    first, second = read_profile(str(_write(tmp_path / "x.prof", table, version)))
    assert (first.file, first.line, first.name, first.count, first.primitive) == ("a.py", 3, "f", 2, 1)
    assert (second.file, second.count, second.primitive) == ("é\ud800.py", 1 << 60, 1 << 40)


def test_a_profile_cut_anywhere_is_one_clear_line(tmp_path: Path) -> None:
    whole = _profile(tmp_path / "x.prof").read_bytes()
    path = tmp_path / "cut.prof"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError) as caught:
            read_profile(str(path))
        assert "\n" not in str(caught.value)


class _Trap:
    def __reduce__(self) -> Any:
        return (open, ("sprung", "w"))


_SHARED = b"\xfb"  # a dictionary that later parts may refer to
BAD = {
    "code": compile("open('sprung', 'w')", "x", "exec"),
    "code inside": {("a.py", 1, compile("1", "x", "exec")): (1, 1, 0.0, 0.0, {})},
    "pickle": pickle.dumps({1: _Trap()}),
    "json": b'{"resourceSpans": []}\n',
    "text": b"not a profile\n",
    "noise": bytes(range(256)),
    "empty table": {},
    "a list": [1],
    "a key of numbers": {1: (1, 1, 0.0, 0.0, {})},
    "a line of text": {("a.py", "1", "f"): (1, 1, 0.0, 0.0, {})},
    "no callers": {("a.py", 1, "f"): (1, 1, 0.0, 0.0)},
    "more primitive than all": {("a.py", 1, "f"): (2, 1, 0.0, 0.0, {})},
    "negative": {("a.py", 1, "f"): (-1, 1, 0.0, 0.0, {})},
    "huge": {("a.py", 1, "f"): (1, 1 << 70, 0.0, 0.0, {})},
    "bool": {("a.py", 1, "f"): (True, 1, 0.0, 0.0, {})},
    "no number": {("a.py", 1, "f"): (1, 1, float("nan"), 0.0, {})},
    "endless": {("a.py", 1, "f"): (1, 1, 0.0, float("inf"), {})},
    "two objects": marshal.dumps(ROW) * 2,
    "itself": _SHARED + b"r\x00\x00\x00\x00r\x00\x00\x00\x000",
    "a reference to nothing": b"{r\x05\x00\x00\x00i\x01\x00\x00\x000",
    "a tuple of two billion": b"{(\xff\xff\xff\x7f",
    "a text of less than nothing": b"{u\xff\xff\xff\xff",
    "a number of a million digits": b"{l\x40\x42\x0f\x00",
    "depth": b")\x01" * 100_000,
    "a dictionary as key": b"{{0i\x01\x00\x00\x000",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = _write(tmp_path / "bad.prof", BAD[name])
    with pytest.raises(InputError) as caught:
        read_profile(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["bad.prof"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    damaged = bytearray(marshal.dumps({**ROW, ("c.py", 4, "h"): (3, 3, 1.0, 2.0, {})}))
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.prof"
    path.write_bytes(bytes(damaged))
    try:
        for row in read_profile(str(path)):
            assert 0 <= row.primitive <= row.count
    except InputError:
        pass


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.prof does not exist"):
        read_profile(str(tmp_path / "no.prof"))
    with pytest.raises(InputError, match="is a directory"):
        read_profile(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="nobody writes to"):
        read_profile(str(tmp_path / "pipe"))
    with pytest.raises(InputError, match="is a device"):
        read_profile("/dev/zero")
    empty = _write(tmp_path / "empty.prof", b"")
    with pytest.raises(InputError, match="empty"):
        read_profile(str(empty))


def test_no_more_is_read_of_a_file_than_a_profile_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_file, "_LARGEST", 1 << 20)
    path = _write(tmp_path / "large.prof", b"")
    os.truncate(path, 1 << 40)
    with pytest.raises(InputError, match="is larger than 1 MB"):
        read_profile(str(path))
