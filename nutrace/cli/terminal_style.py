"""How what a command says is drawn on a terminal: in its width, with colours and bars."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from rich.text import Text

from nutrace.cli.fitting import columns_of, wrapped
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.cli.terminal import Terminal
from nutrace.cli.terminal_table import DrawnTable, bar
from nutrace.cli.tones import Tone
from nutrace_exporters.palette import colour

_TITLE = "bold cyan"
_HEADING = "bold"
_TERM = "cyan"
_NOTE = "italic dim"  # on what is not shown
_REMARK = 6  # blanks before a remark
_WIDEST_TERM = 0.4  # of the width
_SHELL_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'\\])+""")


class TerminalStyle(Style):
    """Draws for the terminal that standard output is."""

    def __init__(self) -> None:
        self._terminal = Terminal()
        self.columns = self.width = self._terminal.width
        self.colours = self._terminal.colours

    def title(self, text: str) -> str:
        """The first line."""
        return self._paragraph(text, 0, 2, _TITLE)

    def heading(self, text: str) -> str:
        """A section's heading."""
        return self._paragraph(text, 0, 2, _HEADING)

    def text(self, text: str, *, indent: int = 0, hanging: int = 0, tone: Tone = Tone.PLAIN) -> str:
        """A sentence, wrapped at words."""
        return self._paragraph(text, indent, hanging, tone.value)

    def command(self, text: str, *, indent: int = 0) -> str:
        """A command, wrapped as a shell reads it: never within a word, and so not within quotes."""
        lines: List[str] = []
        line = " " * (indent - 1)
        for word in _SHELL_WORD.findall(text):
            if lines or line.strip():
                full = columns_of(line) + 1 + columns_of(word) > self.columns - 2
                if full:
                    lines.append(f"{line} \\")
                    line = " " * (indent + 1)
            line = f"{line} {word}" if line else word
        return "\n".join([*lines, line])

    def parts(self, parts: Sequence[Tuple[str, Tone]]) -> str:
        """A line of several tones."""
        text = Text()
        for part, tone in parts:
            text.append(part, tone.value)
        return self._drawn(text)

    def of_component(self, text: str, component: str) -> str:
        """The text in the component's colour."""
        return self._terminal.drawn(Text(text, colour(component).dark))

    def bar(self, share: float, size: int) -> str:
        """The bar, without a colour."""
        return bar(share, size, self._terminal.ascii)

    def items(self, entries: Sequence[Tuple[str, str]]) -> List[str]:
        """A list of terms with a text on each."""
        width = max(columns_of(term) for term, _ in entries)
        width = min(width, int(self.columns * _WIDEST_TERM))
        lines: List[str] = []
        for term, text in entries:
            beside = Text("  ")
            if columns_of(term) > width:  # has a line of its own
                lines.append(self._paragraph(term, 2, 2, _TERM))
                term = ""
            beside.append(term.ljust(width), _TERM)
            first, *rest = wrapped(text, self.columns - width - 4)
            beside.append(f"  {first}")
            lines.append(self._drawn(beside))
            lines += [self._drawn(Text(" " * (width + 4) + line)) for line in rest]
        return lines

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        indent: int = 2,
        remarks: Sequence[Sequence[str]] = (),
    ) -> str:
        """A table that is as wide as the terminal at most; what it leaves out is named below."""
        table = DrawnTable(self._terminal.ascii, columns, rows, self.columns - indent)
        before = " " * indent
        lines = [self._drawn(Text(before).append_text(line)) for line in table.head()]
        for number in range(len(rows)):
            lines += [self._drawn(Text(before).append_text(line)) for line in table.row(number)]
            for remark in remarks[number] if number < len(remarks) else ():
                lines.append(self._paragraph(remark, _REMARK, 2, Tone.QUIET.value))
        if table.left_out:
            note = f"Left out for lack of space: {', '.join(table.left_out)}."
            note += " A wider terminal or --json shows all."
            lines.append(self._paragraph(note, indent, 0, _NOTE))
        return "\n".join(lines)

    def _paragraph(self, text: str, indent: int, hanging: int, style: str) -> str:
        own = len(text) - len(text.lstrip(" "))
        lines = wrapped(" " * indent + text, self.columns, indent + own + hanging)
        return "\n".join(self._drawn(Text(line, style)) for line in lines)

    def _drawn(self, text: Text) -> str:
        text.rstrip()
        return self._terminal.drawn(text)
