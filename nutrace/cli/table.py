"""Tables in plain text and in Markdown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import List, Sequence

from nutrace.errors import UsageError

_LONGEST = 60
#: What Markdown and the HTML in it would take for markup.
_MARKUP = re.compile(r"([\\|`*_<>&#\[\]~])")


@dataclass(frozen=True)
class Column:
    """A heading, and on which side its cells stand: text left, numbers right."""

    heading: str
    right: bool = True


def printable(text: str, longest: int = _LONGEST) -> str:
    """Text on one line of a terminal: control characters spelled out, the middle of long text cut."""
    if len(text) > longest:
        half = (longest - 3) // 2
        text = f"{text[: longest - 3 - half]}...{text[-half:]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def check_limit(limit: int) -> None:
    """Refuse a ``--limit`` that is no number of rows.

    Raises
    ------
    UsageError
        If it is negative.
    """
    if limit < 0:
        raise UsageError(f"bad --limit {limit}: write a number of rows, 0 for all")


def ms(time_ns: float) -> str:
    """A time with as many digits as matter beside others, without its unit."""
    value = time_ns / 1e6
    return f"{value:,.3f}" if 0 < value < 1 else f"{value:,.1f}"


def text_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Aligned columns under their headings; a row of one empty cell draws a line."""
    cells = [[column.heading for column in columns], *rows]
    widths = [
        max(_width(row[index]) for row in cells if len(row) == len(columns)) for index in range(len(columns))
    ]
    lines = []
    for row in cells:
        if len(row) != len(columns):
            lines.append(indent + "-" * (sum(widths) + 2 * (len(widths) - 1)))
            continue
        parts: List[str] = []
        for column, cell, width in zip(columns, row, widths):
            blank = " " * (width - _width(cell))
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


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
