"""Lanes of workers, drawn in plain characters."""

from __future__ import annotations

from itertools import groupby
from typing import List, Mapping, Sequence, Tuple

from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import Lanes
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.cli.report_style import Style
from nutrace.cli.tones import Tone
from nutrace.printable import printable

_WIDTH = 78  # characters of a lane
_WIDEST = 120
_NAME = 24
_MARKS = {
    Doing.ABSENT: ".",
    Doing.STARTUP: "s",
    Doing.WAITING: "-",
    Doing.IDLE: " ",
    Doing.DRIVING: "d",
    Doing.UNACCOUNTED: "?",
}
_BUSY = "#="  # in turn, so that scenarios can be told apart
_TONES: Mapping[str, Tone] = {
    "#": Tone.ONE, "=": Tone.OTHER, "d": Tone.THIRD, "s": Tone.DOUBTFUL,
    ".": Tone.QUIET, "-": Tone.QUIET, "?": Tone.QUIET,
}  # fmt: skip
_MEANING = (
    ("#=", Doing.BUSY, "scenarios in turn"),
    ("s", Doing.STARTUP, "start-up"),
    ("-", Doing.WAITING, "waiting for the driver, or for workers"),
    ("d", Doing.DRIVING, "the driver's own work"),
    (".", Doing.ABSENT, "not there"),
    ("?", Doing.UNACCOUNTED, "in no span: imports, or waiting"),
    ("blank", Doing.IDLE, "nothing left to simulate"),
)


def picture(lanes: Lanes, shown: Sequence[Lane], style: Style) -> List[str]:
    """A line for each lane, and what a character stands for."""
    longest = _NAME if style.width is None else min(_NAME, style.width // 4)
    names = [printable(lane.name, longest) for lane in shown]
    names = [f"{name} driver" if lane.is_driver else name for name, lane in zip(names, shown)]
    width = max(map(len, names))
    places = _WIDTH if style.width is None else min(_WIDEST, style.width - width - 5)
    each_s = lanes.wall_ns / places / 1e9
    there = {piece.doing for lane in shown for piece in lane.pieces}
    lines = []
    for name, lane in zip(names, shown):
        drawn = _toned(_drawn(lane, lanes, places))
        lines.append(style.parts([(f"  {name.ljust(width)} |", Tone.PLAIN), *drawn, ("|", Tone.PLAIN)]))
    meanings = [(mark, meaning) for mark, doing, meaning in _MEANING if doing in there]
    return [*lines, *style.items([("a character", f"{each_s:.3g} s"), *meanings])]


def _toned(drawn: str) -> List[Tuple[str, Tone]]:
    return [("".join(run), _TONES.get(mark, Tone.PLAIN)) for mark, run in groupby(drawn)]


def _drawn(lane: Lane, lanes: Lanes, places: int) -> str:
    """In each place what took most of its time."""
    begin, wall = lanes.begin_ns, max(lanes.wall_ns, 1)
    turn = {number: place for place, number in enumerate(lane.scenarios)}
    spent: List[dict[str, float]] = [{} for _ in range(places)]
    for piece in lane.pieces:
        mark = _BUSY[turn[piece.scenario] % 2] if piece.doing is Doing.BUSY else _MARKS[piece.doing]
        start, end = ((each - begin) * places / wall for each in (piece.start_ns, piece.end_ns))
        for place in range(int(start), min(int(end), places - 1) + 1):
            inside = min(end, place + 1) - max(start, place)
            spent[place][mark] = spent[place].get(mark, 0.0) + inside
    return "".join(max(each, key=lambda mark: each[mark]) if each else " " for each in spent)
