"""A section of what a comparison says: sentences and a table, for every style alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple, TypeVar, Union

from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.comparison.result import Comparison, Judged, PathChange

_Item = TypeVar("_Item")


#: What the change and the tested change of a time are.
TESTED = (
    "The change is that of the two times shown, and the verdict that of the tested change with its interval "
    "of 95 %: usual is that of the usual steps, which single slow ones do not move, mean that of all."
)


@dataclass(frozen=True)
class Row:
    """A row of a table, and what it shows: the page draws its interval."""

    cells: Tuple[str, ...]
    shows: Union[Judged, PathChange, None] = None


@dataclass(frozen=True)
class Section:
    """A heading, sentences, a table, and sentences below it; any of them may be empty.

    ``tones`` are those of the sentences, if there are any but plain ones.
    """

    heading: str
    lines: Tuple[str, ...] = ()
    columns: Tuple[Column, ...] = ()
    rows: Tuple[Row, ...] = ()
    notes: Tuple[str, ...] = ()
    tones: Tuple[Tone, ...] = ()


def listed(rows: Sequence[_Item], limit: int, what: str) -> Tuple[Sequence[_Item], Tuple[str, ...]]:
    """The rows that are shown, and a sentence on the others."""
    shown = rows[:limit] if limit else rows
    rest = len(rows) - len(shown)
    return shown, ((f"and {rest:,} more {what}: --limit 0 shows all",) if rest else ())


def fewest_runs(comparison: Comparison) -> int:
    """The runs of the side that has fewer."""
    return min(comparison.base.runs, comparison.new.runs)
