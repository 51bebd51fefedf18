"""Tables in plain text and in Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from nutrace.cli.fitting import columns_of
from nutrace.cli.tones import Tone
from nutrace.cli.units import MS
from nutrace.printable import LINE, printable

#: Characters that Markdown, or HTML inside it, takes for markup.
_MARKUP = re.compile(r"([\\|`*_<>&#\[\]~])")


@dataclass(frozen=True)
class Column:
    """A column of a table; all but the first two are for terminals.

    Attributes
    ----------
    heading:
        With the unit of all its cells, if they have one.
    right:
        Whether its cells are aligned right, as numbers are. Only other cells are shortened.
    rank:
        Where there is no space for all columns, those of the highest rank are left out first.
    least:
        The columns of the terminal below which its cells are not shortened.
    bar:
        Whether a bar beside each cell shows how large it is.
    component:
        Whether its cells are names of components, which have colours.
    prose:
        Whether cells that are too long are wrapped at words, instead of shortened in the middle.
    tone:
        What a cell says: of a good or a bad outcome.
    """

    heading: str
    right: bool = True
    rank: int = 1
    least: int = 16
    bar: bool = False
    component: bool = False
    prose: bool = False
    tone: Optional[Callable[[str], Tone]] = None


def definitions(entries: Sequence[Tuple[str, str]]) -> List[str]:
    """Aligned lines of terms and what they mean, such as the columns of a table."""
    width = max(len(term) for term, _ in entries)
    return [f"  {term.ljust(width)}  {text}" for term, text in entries]


def ms(time_ns: float) -> str:
    """A time in milliseconds, without the unit."""
    return MS.short(time_ns)


def selected(selection: str) -> str:
    """The line that says which part of the run is looked at; "" if all of it is."""
    return f"Only {printable(selection, LINE)} of the run." if selection else ""


NOT_RECORDED = "not recorded"


def known(number: Optional[int], form: Callable[[int], str] = "{:,}".format, unknown: str = "-") -> str:
    """A number for people, `unknown` if it was not recorded."""
    return unknown if number is None else form(number)


def text_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Aligned columns below their headings; a row that is shorter than the headings draws a line."""
    cells = [[column.heading for column in columns], *rows]
    widths = [
        max(columns_of(row[index]) for row in cells if len(row) == len(columns))
        for index in range(len(columns))
    ]
    lines = []
    for row in cells:
        if len(row) != len(columns):
            lines.append(indent + "-" * (sum(widths) + 2 * (len(widths) - 1)))
            continue
        parts: List[str] = []
        for column, cell, width in zip(columns, row, widths):
            blank = " " * (width - columns_of(cell))
            parts.append(blank + cell if column.right else cell + blank)
        lines.append((indent + "  ".join(parts)).rstrip())
    return "\n".join(lines)


def markdown_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; rows that draw a line are left out."""
    lines = [
        "| " + " | ".join(column.heading for column in columns) + " |",
        "|" + "|".join(" ---: " if column.right else " :--- " for column in columns) + "|",
    ]
    for row in rows:
        if len(row) == len(columns):
            lines.append("| " + " | ".join(markdown_text(cell) for cell in row) + " |")
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKUP.sub(lambda match: _ENTITIES.get(match[1], "\\" + match[1]), text)


_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
