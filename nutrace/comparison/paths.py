"""Span paths of two sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from nutrace.comparison.judging import Judgement, Options, Row, judge_count, row_of, tested_of
from nutrace.comparison.moves import find_moves
from nutrace.comparison.pairing import Pairing
from nutrace.comparison.result import PathChange, Verdict, path_figure
from nutrace.comparison.times import PathTimes


@dataclass(frozen=True)
class PathRow:
    """A path with its times; where its cost moved, with those of the path that it came from."""

    path: PathTimes
    row: Row
    moved_from: Optional[Tuple[str, ...]] = None


def path_rows(pairing: Pairing, bases: int, step_ms: float, options: Options) -> List[PathRow]:
    """All paths of both sides; the costliest are tested."""
    numbers: Dict[Tuple[str, ...], List[Optional[int]]] = {}
    components: Dict[Tuple[str, ...], str] = {}
    for order, run in enumerate(pairing.runs):
        for number, path in enumerate(run.paths):
            numbers.setdefault(path.names, [None] * len(pairing.runs))[order] = number
            components.setdefault(path.names, path.component)
    times = {names: pairing.path(names, components[names], own) for names, own in numbers.items()}
    moves = find_moves(times, bases)
    counted = {names for origins in moves.values() for names in origins}
    rows = []
    for names, path_times in times.items():
        if names not in counted:
            origins = moves.get(names, [])
            whole = path_times.with_times_of([times[origin] for origin in origins])
            origin = max(origins, key=lambda each: times[each].cost, default=None)
            rows.append(PathRow(whole, row_of(whole.times, bases, step_ms, options), origin))
    rows.sort(key=lambda each: -max(each.row.base, each.row.new))
    return [
        PathRow(each.path, each.row if place < options.most_paths else each.row.untested(), each.moved_from)
        for place, each in enumerate(rows)
    ]


def path_changes(
    rows: Sequence[PathRow], judgements: Sequence[Judgement], bases: int
) -> Tuple[PathChange, ...]:
    """The paths in the result: first those that changed, then the others, the largest differences first."""
    changes = [_change(row, judgement, bases) for row, judgement in zip(rows, judgements)]
    return tuple(sorted(changes, key=_most_changed))


def _most_changed(change: PathChange) -> Any:
    changed = change.verdict in (Verdict.FASTER, Verdict.SLOWER)
    return not changed, -round(abs(change.change_ms_per_step), 9), -len(change.path), change.path


def _change(each: PathRow, judgement: Judgement, bases: int) -> PathChange:
    row, found, calls = each.row, judgement.effect, each.path.calls
    base, new = row.base, row.new

    def in_ms(part: Optional[float]) -> Optional[float]:
        return None if part is None or found is None else row.in_ms(part, found)

    return PathChange(
        path=each.path.names,
        component=each.path.component,
        base_ms_per_step=base,
        new_ms_per_step=new,
        change_ms_per_step=new - base,
        low=None if found is None else in_ms(found.low),
        high=None if found is None else in_ms(found.high),
        verdict=judgement.verdict,
        calls=judge_count(path_figure(each.path.names, "calls_per_step"), calls[:bases], calls[bases:]),
        moved_from=each.moved_from,
        runs_needed=judgement.runs_needed,
        tested_ms_per_step=None if found is None else in_ms(found.change),
        tested_of=tested_of(found),
    )
