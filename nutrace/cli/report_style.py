"""How a report is written, as plain text or as Markdown, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from nutrace.cli.table import Column, definitions, markdown_table, markdown_text, text_table

MS = 1e6
US = 1e3


@dataclass(frozen=True)
class Style:
    """How headings, lines and tables are written."""

    markdown: bool

    def title(self, text: str) -> str:
        """The first line."""
        return f"# {markdown_text(text)}" if self.markdown else text

    def heading(self, text: str) -> str:
        """A section's heading."""
        return f"## {markdown_text(text)}" if self.markdown else text

    def line(self, text: str) -> str:
        """A sentence."""
        return f"\n{markdown_text(text)}\n" if self.markdown else f"  {text}"

    def below_table(self, text: str) -> str:
        """A sentence below a table."""
        return ("\n" if self.markdown else "") + self.line(text)

    def items(self, entries: Sequence[Tuple[str, str]]) -> List[str]:
        """A list of terms with a text on each."""
        if self.markdown:
            terms = [f"**{term}**: " if term else "" for term, _ in entries]
            return ["", *(f"- {term}{markdown_text(text)}" for term, (_, text) in zip(terms, entries))]
        return definitions(entries)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
        """A table."""
        return f"\n{markdown_table(columns, rows)}" if self.markdown else text_table(columns, rows)


def ms(time_ns: float) -> str:
    """A time in milliseconds, as :func:`rounded` writes it."""
    return rounded(time_ns / MS)


def rounded(value: float) -> str:
    """A number without its unit: the smaller it is, the more digits it has."""
    size = abs(value)
    return f"{value:,.1f}" if size >= 100 else f"{value:,.2f}" if size >= 1 or not value else f"{value:.3f}"


def us(time_ns: float) -> str:
    """A time in microseconds: the smaller it is, the more digits it has."""
    value = time_ns / US
    digits = 0 if value >= 1_000 else 1 if value >= 100 else 2 if value >= 10 else 3
    return f"{value:,.{digits}f}"


def column(times_ns: Iterable[float], unit: float) -> List[str]:
    """The times of a column in one unit, all with the digits that the largest needs."""
    values = [time / unit for time in times_ns]
    largest = max(values, default=0.0)
    digits = 3 if largest < 10 else 2 if largest < 1_000 else 1 if largest < 100_000 else 0
    return [f"{value:,.{digits}f}" for value in values]


def percent(part: float, whole: Optional[float]) -> str:
    """A share; a dash if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "-"
