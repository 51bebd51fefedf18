"""Which columns of a table are shown in a width, and how wide each is.

What is done first costs least: headings are wrapped, then texts are shortened, then columns are left out.
Numbers are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from nutrace.cli.fitting import columns_of
from nutrace.cli.table import Column

GAP = 2  # blanks between columns
_LONGEST_BAR, _SHORTEST_BAR = 24, 6


@dataclass(frozen=True)
class Layout:
    """The columns that are shown, by number and width, those that are not, and the widths of bars."""

    widths: Dict[int, int]
    left_out: Tuple[int, ...]
    bars: Dict[int, int]

    @property
    def width(self) -> int:
        """Of the whole table."""
        shown = [*self.widths.values(), *self.bars.values()]
        return sum(shown) + GAP * (len(shown) - 1)


def laid_out(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Layout:
    """Fit a table into `width`; rows that are shorter than the columns draw a line, and do not count."""
    cells = [row for row in rows if len(row) == len(columns)]
    content = [max((columns_of(row[at]) for row in cells), default=0) for at in range(len(columns))]
    wrapped = [max([size, *map(columns_of, each.heading.split())]) for size, each in zip(content, columns)]
    full = [max(size, columns_of(each.heading)) for size, each in zip(content, columns)]
    # A column without any content says nothing, but all columns of a table without rows are shown.
    shown = [at for at in range(len(columns)) if content[at] or not at or not any(content)]
    if _fits(full, shown, width):
        return _with_bars(columns, {at: full[at] for at in shown}, (), width)
    least = [
        size if column.right else max([min(size, column.least), *map(columns_of, column.heading.split())])
        for size, column in zip(wrapped, columns)
    ]
    left_out: List[int] = []
    while len(shown) > 1 and not _fits(least, shown, width):
        # Of equals the last one is left out first, and the first column never.
        at = max(shown[1:], key=lambda each: (columns[each].rank, each))
        shown.remove(at)
        left_out.append(at)
    widths = {at: least[at] for at in shown}
    spare = width - sum(widths.values()) - GAP * (len(shown) - 1)
    if spare < 0:  # a single column: nothing else can give way
        widths = {at: max(1, size + spare) for at, size in widths.items()}
    _widen(widths, wrapped, spare)
    _widen(widths, full, width - sum(widths.values()) - GAP * (len(shown) - 1))
    return _with_bars(columns, widths, tuple(sorted(left_out)), width)


def _fits(sizes: Sequence[int], shown: Sequence[int], width: int) -> bool:
    return sum(sizes[at] for at in shown) + GAP * (len(shown) - 1) <= width


def _widen(widths: Dict[int, int], wanted: Sequence[int], spare: int) -> None:
    """Give the columns that are too narrow what there is, in even parts."""
    while spare > 0:
        narrow = [at for at, size in widths.items() if size < wanted[at]]
        if not narrow:
            return
        at = min(narrow, key=lambda each: widths[each])
        widths[at] += 1
        spare -= 1


def _with_bars(
    columns: Sequence[Column], widths: Dict[int, int], left_out: Tuple[int, ...], width: int
) -> Layout:
    barred = [at for at in widths if columns[at].bar]
    spare = width - sum(widths.values()) - GAP * (len(widths) - 1)
    size = min(spare // len(barred) - GAP, _LONGEST_BAR) if barred else 0
    return Layout(widths, left_out, dict.fromkeys(barred, size) if size >= _SHORTEST_BAR else {})
