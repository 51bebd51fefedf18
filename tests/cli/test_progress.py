"""Work with phases shows which of them goes on, and how long the rest will take."""

from __future__ import annotations

import io
from pathlib import Path
from typing import List, Tuple

import pytest
from fakes.otlp import document, write

from nutrace.cli import progress
from nutrace.cli.main import main
from nutrace.cli.progress import phases


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def shown(self) -> List[str]:
        """What was on the line, one after the other."""
        return [text for text in self.getvalue().split("\r\x1b[K") if text]


def _with_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Make standard error a terminal for the rest of a test."""
    stream = _Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def test_what_is_left_is_told_from_the_shares_of_the_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _with_terminal(monkeypatch)
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with phases({"reading": 2.0, "thinking": 6.0}) as shown:
        assert shown is not None
        now += 5
        shown.advance(50, 100)  # an eighth of all
        now += 5
        shown.begin("thinking")  # a quarter
        now += 10
        shown.advance(1, 3)  # a half
    bars = [text.count("#") for text in terminal.shown()]
    assert bars == [int(30 / 8), int(30 / 4), int(30 / 2)]
    assert [text.partition("] ")[2] for text in terminal.shown()] == [
        "reading, about 35 s left",
        "thinking, about 30 s left",
        "thinking, about 20 s left",
    ]
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_size_that_is_not_known_is_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _with_terminal(monkeypatch)
    with phases({"reading": 1.0}) as shown:
        assert shown is not None
        shown.advance(5, 0)
    assert terminal.shown()[0].count("#") == 0


def test_nothing_is_shown_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with phases({"reading": 1.0}) as shown:
        assert shown is None
    assert not stream.getvalue()


def test_a_report_goes_through_its_phases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _with_terminal(monkeypatch)
    monkeypatch.setattr(progress, "_REDRAW_S", 0.0)
    path = write(tmp_path / "run.json", document(("a", 0, 9), ("b", 10, 15)))
    assert main(["report", str(path)]) == 0
    names = list(dict.fromkeys(text.partition("] ")[2] for text in terminal.shown()))
    assert names == ["reading", "building the tree", "correcting times", "analysing"]
    bars = [text.count("#") for text in terminal.shown()]
    assert bars == sorted(bars)
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_phase_that_does_not_tell_goes_on_as_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the work took a second: the rest is expected to take three, and never said to be done."""
    terminal = _with_terminal(monkeypatch)
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = progress.Phases({"reading": 1.0, "drawing": 3.0})
    moments = iter((102.5, 104.0, 160.0))

    def wait(_seconds: float) -> bool:
        nonlocal now
        now = next(moments, 0.0)
        return not now

    now = 101.0
    shown.begin("drawing")
    monkeypatch.setattr(shown._over, "wait", wait)
    shown.go_on()
    assert [text.partition("] ")[2] for text in terminal.shown()[1:]] == [
        "drawing, about 2 s left",
        "drawing",  # longer than expected
        "drawing",
    ]
    bars = [text.count("#") for text in terminal.shown()]
    assert bars[:2] == [int(30 / 4), int(30 * (1 / 4 + 3 / 4 * 1.5 / 3))]
    assert bars[-1] < 30


@pytest.mark.parametrize(
    ("words", "phase"),
    [
        (("flamegraph", "run.json", "-o", "drawn.html"), "drawing"),
        (("sql", "run.json"), "analysing"),
        (("report", "--tree", "run.json"), "analysing"),
        (("scenarios", "run.json"), "analysing"),
        (("advise", "run.json"), "analysing"),
    ],
)
def test_what_follows_loading_has_a_phase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Tuple[str, ...], phase: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("run.json"), document(("simulation.step", 0, 9)))
    terminal = _with_terminal(monkeypatch)
    assert main([*words]) == 0
    names = list(dict.fromkeys(text.partition("] ")[2] for text in terminal.shown()))
    assert names[-1] == phase
    assert terminal.getvalue().endswith("\r\x1b[K")
