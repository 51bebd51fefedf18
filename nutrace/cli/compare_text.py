"""A comparison as plain text or as Markdown."""

from __future__ import annotations

from itertools import zip_longest
from typing import List, Sequence

from nutrace.cli.compare_section import Section
from nutrace.cli.compare_sections import sections, title
from nutrace.cli.report_style import Style
from nutrace.cli.tones import Tone
from nutrace.comparison.gates import GateResult
from nutrace.comparison.result import Comparison


def as_text(comparison: Comparison, gates: Sequence[GateResult], style: Style, *, limit: int = 15) -> str:
    """The whole comparison; `limit` is the number of rows in each list, 0 for all."""
    parts = [style.title(title(comparison))]
    parts += [section_text(section, style) for section in sections(comparison, gates, limit)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def section_text(section: Section, style: Style) -> str:
    """A section in a style."""
    parts: List[str] = [style.heading(section.heading)] if section.heading else []
    if section.lines and style.markdown and len(section.lines) > 1:
        parts.append("\n".join(["", *(f"- {style.line(line).strip()}" for line in section.lines)]))
    else:
        tones = zip_longest(section.lines, section.tones, fillvalue=Tone.PLAIN)
        parts += [style.line(str(line), Tone(tone)) for line, tone in tones]
    if section.rows:
        parts.append(style.table(section.columns, [row.cells for row in section.rows]))
    parts += [style.line(note) for note in section.notes]
    return "\n".join(parts)
