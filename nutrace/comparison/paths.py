"""Span paths of two sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from nutrace.comparison.judging import Judgement, Options, Row, row_of
from nutrace.comparison.pairing import Pairing
from nutrace.comparison.result import PathChange


@dataclass(frozen=True)
class PathRow:
    """A path with its times."""

    names: Tuple[str, ...]
    component: str
    row: Row
    base_calls: Tuple[float, ...]
    new_calls: Tuple[float, ...]
    moved_from: Optional[Tuple[str, ...]] = None


def path_rows(pairing: Pairing, bases: int, step_ms: float, options: Options) -> List[PathRow]:
    """All paths of both sides; the costliest are tested."""
    numbers: Dict[Tuple[str, ...], List[Optional[int]]] = {}
    components: Dict[Tuple[str, ...], str] = {}
    for order, run in enumerate(pairing.runs):
        for number, path in enumerate(run.paths):
            numbers.setdefault(path.names, [None] * len(pairing.runs))[order] = number
            components.setdefault(path.names, path.component)
    rows = []
    for names, own in numbers.items():
        times = pairing.path(own)
        calls = pairing.calls(own)
        row = row_of(times, bases, step_ms, options)
        rows.append(PathRow(names, components[names], row, calls[:bases], calls[bases:]))
    return rows


def path_changes(rows: Sequence[PathRow], judgements: Sequence[Judgement]) -> Tuple[PathChange, ...]:
    """The paths in the result, those that changed most first."""
    changes = [_change(row, judgement) for row, judgement in zip(rows, judgements)]
    return tuple(sorted(changes, key=_most_changed))


def _most_changed(change: PathChange) -> Any:
    return -abs(change.change_ms_per_step), change.path


def _change(path: PathRow, judgement: Judgement) -> PathChange:
    row, found = path.row, judgement.effect
    base, new = row.base, row.new

    def in_ms(part: Optional[float]) -> Optional[float]:
        return None if part is None else part * base

    return PathChange(
        path=path.names,
        component=path.component,
        base_ms_per_step=base,
        new_ms_per_step=new,
        change_ms_per_step=new - base if found is None else found.change * base,
        low=None if found is None else in_ms(found.low),
        high=None if found is None else in_ms(found.high),
        verdict=judgement.verdict,
        moved_from=path.moved_from,
    )
