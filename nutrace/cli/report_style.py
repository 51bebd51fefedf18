"""How what a command says is written, as plain text, as Markdown or for a terminal, and its numbers."""

from __future__ import annotations

from itertools import zip_longest
from typing import Iterable, List, Optional, Sequence, Tuple

from nutrace.cli.table import Column, definitions, markdown_table, markdown_text, text_table
from nutrace.cli.terminal import is_terminal
from nutrace.cli.tones import Tone
from nutrace.cli.units import MS, Unit

_EXPLAIN = "--explain says what the columns mean."


class Style:
    """How headings, lines and tables are written: as plain text, for pipes and files.

    Attributes
    ----------
    markdown:
        Whether it is Markdown.
    width:
        The columns of a terminal; None where lines may be as long as they are.
    colours:
        Whether there are colours that tell components apart, as on most terminals.
    explain:
        Whether the user wants to know what the columns mean.
    """

    markdown = False
    width: Optional[int] = None
    colours = False
    explain = False

    def title(self, text: str) -> str:
        """The first line."""
        return text

    def heading(self, text: str) -> str:
        """A section's heading."""
        return text

    def line(self, text: str, tone: Tone = Tone.PLAIN) -> str:
        """A sentence."""
        return self.text(text, indent=2, tone=tone)

    def text(self, text: str, *, indent: int = 0, hanging: int = 0, tone: Tone = Tone.PLAIN) -> str:
        """A sentence below so many blanks; where it is wrapped, the other lines have so many more."""
        return " " * indent + text

    def command(self, text: str, *, indent: int = 0) -> str:
        """A command, to be copied into a shell."""
        return " " * indent + text

    def parts(self, parts: Sequence[Tuple[str, Tone]]) -> str:
        """A line of several tones, which is not wrapped."""
        return "".join(text for text, _ in parts)

    def of_component(self, text: str, component: str) -> str:
        """A name, or a picture such as :meth:`bar` gives, in the colour of a component."""
        return text

    def bar(self, share: float, size: int) -> str:
        """A bar that is as long as a share (0 to 1) of so many columns; "" without a terminal."""
        return ""

    def below_table(self, text: str) -> str:
        """A sentence below a table."""
        return self.line(text)

    def items(self, entries: Sequence[Tuple[str, str]]) -> List[str]:
        """A list of terms with a text on each."""
        return definitions(entries)

    def glossary(self, entries: Sequence[Tuple[str, str]], *more: str) -> str:
        """What the columns of an answer mean, and sentences on them, or how to see that."""
        if not self.explain:
            return "" if self.markdown else self.text(_EXPLAIN, tone=Tone.QUIET)
        return "\n".join([self.heading("Columns"), *self.items(entries), *map(self.line, more)])

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        indent: int = 2,
        remarks: Sequence[Sequence[str]] = (),
    ) -> str:
        """A table; a row may have remarks, each a line below it."""
        head, *body = text_table(columns, rows, indent=" " * indent).split("\n")
        lines = [head]
        for line, below in zip_longest(body, remarks, fillvalue=()):
            lines += [str(line), *(f"      {remark}" for remark in below)]
        return "\n".join(lines)


class Markdown(Style):
    """For pull requests."""

    markdown = True

    def title(self, text: str) -> str:
        """The first line."""
        return f"# {markdown_text(text)}"

    def heading(self, text: str) -> str:
        """A section's heading."""
        return f"## {markdown_text(text)}"

    def text(self, text: str, *, indent: int = 0, hanging: int = 0, tone: Tone = Tone.PLAIN) -> str:
        """A paragraph."""
        return f"\n{markdown_text(text)}\n"

    def below_table(self, text: str) -> str:
        """A paragraph below a table, which ends at a blank line."""
        return "\n" + self.line(text)

    def items(self, entries: Sequence[Tuple[str, str]]) -> List[str]:
        """A list of terms with a text on each."""
        terms = [f"**{term}**: " if term else "" for term, _ in entries]
        return ["", *(f"- {term}{markdown_text(text)}" for term, (_, text) in zip(terms, entries))]

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        indent: int = 2,
        remarks: Sequence[Sequence[str]] = (),
    ) -> str:
        """A table, without remarks."""
        return f"\n{markdown_table(columns, rows)}"


def style_of_output(markdown: bool = False, *, explain: bool = False) -> Style:
    """The style for what is printed: for a terminal if standard output is one, and nothing else is wanted."""
    style: Style
    if markdown:
        style = Markdown()
    elif not is_terminal():
        style = Style()
    else:
        from nutrace.cli.terminal_style import TerminalStyle

        style = TerminalStyle()
    style.explain = explain
    return style


def ms(time_ns: float) -> str:
    """A time in milliseconds, as :func:`rounded` writes it."""
    return rounded(time_ns / MS.ns)


def rounded(value: float) -> str:
    """A number without its unit: the smaller it is, the more digits it has."""
    size = abs(value)
    return f"{value:,.1f}" if size >= 100 else f"{value:,.2f}" if size >= 1 or not value else f"{value:.3f}"


def column(times_ns: Iterable[float], unit: Unit) -> List[str]:
    """The times of a column in one unit, all with the digits that the largest needs."""
    values = [time / unit.ns for time in times_ns]
    largest = max(values, default=0.0)
    digits = 3 if largest < 10 else 2 if largest < 1_000 else 1 if largest < 100_000 else 0
    return [f"{value:,.{digits}f}" for value in values]


def percent(part: float, whole: Optional[float]) -> str:
    """A share; a dash if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "-"
