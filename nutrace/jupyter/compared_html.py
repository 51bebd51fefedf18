"""A comparison, and a list of runs, as HTML: what ``nutrace compare`` prints, as tables."""

from __future__ import annotations

import os
from typing import List, Mapping, Sequence

from nutrace.cli.compare_section import Section
from nutrace.cli.compare_sections import effect_sections, sections, title
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.comparison import Comparison
from nutrace.jupyter.markup import Markup, element, join
from nutrace.jupyter.tree_html import framed
from nutrace_exporters.labels import counted
from nutrace_exporters.palette import colour

_MOST_ROWS = 40
_LONGEST = 150  # characters
_CLASSES = {Tone.GOOD: "nt-good", Tone.BAD: "nt-bad", Tone.DOUBTFUL: "nt-bad"}


def comparison_html(comparison: Comparison) -> str:
    """The effect, and folded below it the lists."""
    first, *rest = sections(comparison, (), 0)
    unfolded = {section.heading for section in effect_sections(comparison, 0)}
    parts = [element("div", element("strong", *_pieces(title(comparison)))), _content(first)]
    for section in rest:
        content = _content(section)
        if section.heading in unfolded:
            parts += [element("div", element("strong", section.heading), class_="nt-part"), content]
        else:
            heading = f"{section.heading} ({len(section.rows):,})" if section.rows else section.heading
            parts.append(element("details", element("summary", heading), content, class_="nt-part"))
    return framed(*parts)


def _content(section: Section) -> Markup:
    tones = [*section.tones, *[Tone.PLAIN] * len(section.lines)]
    parts = [_line(line, _CLASSES.get(tone, "nt-muted")) for line, tone in zip(section.lines, tones)]
    if section.rows:
        parts.append(_table(section.columns, [row.cells for row in section.rows[:_MOST_ROWS]]))
    if len(section.rows) > _MOST_ROWS:
        more = len(section.rows) - _MOST_ROWS
        parts.append(_line(f"and {more:,} more, in .verdicts(), .paths() and .statements()", "nt-muted"))
    parts += [_line(note, "nt-muted") for note in section.notes]
    return join(*parts)


def _line(words: str, class_: str) -> Markup:
    return element("div", *_pieces(words), class_=class_)


def _pieces(words: str) -> List[str]:
    """A long text in pieces, each short enough not to be cut."""
    return [words[at : at + _LONGEST] for at in range(0, len(words), _LONGEST)]


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Markup:
    heads = [element("th", column.heading, scope="col", class_=_side(column)) for column in columns]
    body = [element("tr", *(_cell(column, cell) for column, cell in zip(columns, cells))) for cells in rows]
    head = element("thead", element("tr", *heads))
    return element("table", head, element("tbody", *body), class_="nt-table")


def _side(column: Column) -> str:
    return "nt-right" if column.right else ""


def _cell(column: Column, cell: str) -> Markup:
    tone = _CLASSES.get(column.tone(cell), "") if column.tone else ""
    swatch = Markup("")
    if column.component and cell:
        swatch = element("i", class_="nt-swatch", style=f"background:{colour(cell).dark}")
    return element("td", swatch, cell, class_=" ".join(filter(None, (_side(column), tone))))


def runs_html(files: Mapping[str, str]) -> str:
    """The runs by their names, with what loads each, and its size."""
    columns = Column("run", right=False), Column("file", right=False), Column("MB")
    rows = [(name, file, _megabytes(file)) for name, file in list(files.items())[:_MOST_ROWS]]
    more = len(files) - len(rows)
    parts: List[Markup] = [
        element("div", element("strong", counted(len(files), "run"))),
        _table(columns, rows),
    ]
    if more:
        parts.append(_line(f"and {more:,} more", "nt-muted"))
    if files:
        example = next(iter(files))
        parts.append(
            _line(f"One of them: runs[{example!r}]. All of them: runs.steps(), runs.scenarios().", "nt-muted")
        )
    return framed(*parts)


def _megabytes(file: str) -> str:
    try:
        size = os.path.getsize(file) / 1e6 if os.path.isfile(file) else None
    except OSError:
        return ""
    return "" if size is None else f"{size:,.1f}" if size >= 0.1 else f"{size:.3f}"
