"""Lanes of workers, drawn in plain characters."""

from __future__ import annotations

from typing import List, Sequence

from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import Lanes
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.cli.table import definitions
from nutrace.printable import printable

_WIDTH = 78  # characters of a lane
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
_MEANING = (
    ("#=", Doing.BUSY, "scenarios in turn"),
    ("s", Doing.STARTUP, "start-up"),
    ("-", Doing.WAITING, "waiting for the driver, or for workers"),
    ("d", Doing.DRIVING, "the driver's own work"),
    (".", Doing.ABSENT, "not there"),
    ("?", Doing.UNACCOUNTED, "in no span: imports, or waiting"),
    ("blank", Doing.IDLE, "nothing left to simulate"),
)


def picture(lanes: Lanes, shown: Sequence[Lane]) -> List[str]:
    """A line for each lane, and what a character stands for."""
    names = [printable(lane.name, _NAME) for lane in shown]
    names = [f"{name} driver" if lane.is_driver else name for name, lane in zip(names, shown)]
    width = max(map(len, names))
    each_s = lanes.wall_ns / _WIDTH / 1e9
    there = {piece.doing for lane in shown for piece in lane.pieces}
    lines = [f"  {name.ljust(width)} |{_drawn(lane, lanes)}|" for name, lane in zip(names, shown)]
    meanings = [(mark, meaning) for mark, doing, meaning in _MEANING if doing in there]
    return [*lines, *definitions([("a character", f"{each_s:.3g} s"), *meanings])]


def _drawn(lane: Lane, lanes: Lanes) -> str:
    """In each place what took most of its time."""
    begin, wall = lanes.begin_ns, max(lanes.wall_ns, 1)
    turn = {number: place for place, number in enumerate(lane.scenarios)}
    spent: List[dict[str, float]] = [{} for _ in range(_WIDTH)]
    for piece in lane.pieces:
        mark = _BUSY[turn[piece.scenario] % 2] if piece.doing is Doing.BUSY else _MARKS[piece.doing]
        start, end = ((each - begin) * _WIDTH / wall for each in (piece.start_ns, piece.end_ns))
        for place in range(int(start), min(int(end), _WIDTH - 1) + 1):
            inside = min(end, place + 1) - max(start, place)
            spent[place][mark] = spent[place].get(mark, 0.0) + inside
    return "".join(max(each, key=lambda mark: each[mark]) if each else " " for each in spent)
