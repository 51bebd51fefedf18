"""A table on a terminal: as wide as it may be, in the components' colours, with bars."""

from __future__ import annotations

import re
import textwrap
from typing import Iterator, List, Mapping, Optional, Sequence

from rich.text import Text

from nutrace.cli.fitting import columns_of, shortened, wrapped
from nutrace.cli.table import Column
from nutrace.cli.table_layout import GAP, laid_out
from nutrace_exporters.palette import colour

_HEAD = "bold dim"
_RULE = "dim"
_BAR = "blue"  # of what is of no component
_EIGHTHS = " ▏▎▍▌▋▊▉"
_NUMBER = re.compile(r"[+-]?[\d,]+(?:\.\d+)?")


class DrawnTable:
    """Lines of a table.

    Attributes
    ----------
    left_out:
        The headings of columns for which there was no space.
    """

    def __init__(
        self, ascii_only: bool, columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
    ) -> None:
        self._columns = columns
        self._ascii = ascii_only
        self._marked = _marked(columns)
        self._of_what = [_component(columns, row) for row in rows]
        self._sums = next((place for place, row in enumerate(rows) if not self._is_full(row)), len(rows))
        self._rows = [self._with_mark(row, place < self._sums) for place, row in enumerate(rows)]
        self._layout = laid_out(columns, self._rows, width)
        self._largest = {
            at: max([_size(row[at]) for row in rows[: self._sums]], default=0.0) for at in self._layout.bars
        }
        self.left_out = [_name(columns, at) for at in self._layout.left_out]

    def head(self) -> Iterator[Text]:
        """The headings, which may have several lines, and a rule."""
        heads = {
            at: textwrap.wrap(self._columns[at].heading, size, break_on_hyphens=False) or [""]
            for at, size in self._layout.widths.items()
        }
        for line in range(-max(map(len, heads.values())), 0):
            text = Text()
            for at in heads:
                part = heads[at][line] if -line <= len(heads[at]) else ""
                self._append(text, at, part, _HEAD)
                if at in self._layout.bars:
                    text.append(" " * (GAP + self._layout.bars[at]))
            yield text
        yield self._rule()

    def row(self, number: int) -> Iterator[Text]:
        """The lines of a row, or the rule that it stands for."""
        row = self._rows[number]
        if not self._is_full(row):
            yield self._rule()
            return
        ellipsis = "..." if self._ascii else "…"
        cells = {
            at: wrapped(row[at], size) if self._columns[at].prose else [shortened(row[at], size, ellipsis)]
            for at, size in self._layout.widths.items()
        }
        for line in range(max(map(len, cells.values()))):
            parts = {at: lines[line] if line < len(lines) else "" for at, lines in cells.items()}
            yield self._line(number, row, parts, first=not line)

    def _line(self, number: int, row: Sequence[str], parts: Mapping[int, str], first: bool) -> Text:
        text = Text()
        component = self._of_what[number]
        fill = colour(component).dark if component else _BAR
        for at, part in parts.items():
            column = self._columns[at]
            begin = len(text) + (GAP if text else 0)
            self._append(text, at, part, column.tone(row[at]).value if column.tone else "")
            if at == self._marked and first and number < self._sums:
                text.stylize(fill, begin, begin + 1)
            if at in self._layout.bars:
                share = _size(row[at]) / self._largest[at] if self._largest[at] else 0.0
                drawn = bar(
                    share if first and number < self._sums else 0.0, self._layout.bars[at], self._ascii
                )
                text.append(" " * GAP + drawn, fill)
        return text

    def _append(self, text: Text, at: int, cell: str, style: str) -> None:
        """Add a cell in the width of its column."""
        size = self._layout.widths[at]
        blank = " " * (size - columns_of(cell))
        text.append(" " * GAP if text else "")
        text.append(blank if self._columns[at].right else "")
        text.append(cell, style)
        text.append("" if self._columns[at].right else blank)

    def _rule(self) -> Text:
        return Text(("-" if self._ascii else "─") * self._layout.width, _RULE)

    def _with_mark(self, row: Sequence[str], marked: bool) -> List[str]:
        """The row with a mark before its name, which is drawn in its component's colour."""
        mark = ("*" if self._ascii else "■") if marked else " "
        if not self._is_full(row):
            return list(row)
        return [f"{mark} {cell}" if at == self._marked else cell for at, cell in enumerate(row)]

    def _is_full(self, row: Sequence[str]) -> bool:
        return len(row) == len(self._columns)


def bar(share: float, size: int, ascii_only: bool) -> str:
    """A bar that is as long as a share (0 to 1) of so many columns, and blanks."""
    eighths = round(min(max(share, 0.0), 1.0) * size * 8)
    if ascii_only:
        return ("#" * (eighths // 8)).ljust(size)
    drawn = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return drawn.ljust(size)


def _name(columns: Sequence[Column], at: int) -> str:
    return columns[at].heading or f"what is beside {columns[at - 1].heading}"


def _marked(columns: Sequence[Column]) -> Optional[int]:
    """The column of names, if the rows have components."""
    if not any(column.component for column in columns):
        return None
    return next(at for at, column in enumerate(columns) if not column.right)


def _component(columns: Sequence[Column], row: Sequence[str]) -> str:
    """The component that a row is of, the first one of several."""
    return next((cell.partition(",")[0] for column, cell in zip(columns, row) if column.component), "")


def _size(cell: str) -> float:
    """The number that is in a cell."""
    number = _NUMBER.search(cell)
    return float(number[0].replace(",", "")) if number and number[0].strip("+-,") else 0.0
