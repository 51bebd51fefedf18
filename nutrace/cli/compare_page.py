"""A comparison as one page: self-contained, without a script, readable offline, light and dark."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import List, Optional, Sequence, Tuple

from nutrace.cli.compare_section import Row, Section
from nutrace.cli.compare_sections import sections, title
from nutrace.cli.table import Column
from nutrace.comparison.gates import GateResult
from nutrace.comparison.result import Comparison, Judged, Verdict
from nutrace_exporters.labels import label
from nutrace_exporters.pageparts import content_hash, content_policy

_LONGEST = 400
_WIDEST = 1.0  # of a change, as a part of the base
_WIDTH, _HEIGHT, _MARGIN = 180.0, 18.0, 6.0
#: Verdicts that are shown as good, bad, or neither. Counts are neither: more of them may be what was wanted.
_CLASSES = {Verdict.FASTER: "better", Verdict.SLOWER: "worse", Verdict.UNDECIDED: "open"}


def as_page(comparison: Comparison, gates: Sequence[GateResult], limit: int) -> bytes:
    """The page, in UTF-8; `limit` is the number of rows in each list, 0 for all."""
    style = (files("nutrace.cli") / "compare.css").read_text(encoding="utf-8")
    policy = content_policy(f"style-src '{content_hash(style)}'")
    heading = _text(title(comparison))
    body = "\n".join(_section(section) for section in sections(comparison, gates, limit))
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{heading}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{body}
<footer>Made by nutrace. Bars show a tested change and its interval of 95 %, the dashed line is no change:
to its left is less, to its right more. This file needs no network.</footer>
</main>
</body>
</html>
"""
    return page.encode("utf-8")


def _text(text: str) -> str:
    return html.escape(label(text, _LONGEST)) if text else ""


def _section(section: Section) -> str:
    parts: List[str] = ["<section>"]
    if section.heading:
        parts.append(f"<h2>{_text(section.heading)}</h2>")
    parts += [_line(line) for line in section.lines]
    if section.rows:
        parts.append(_table(section))
    parts += [f'<p class="note">{_text(note)}</p>' for note in section.notes]
    parts.append("</section>")
    return "\n".join(parts)


def _line(line: str) -> str:
    kind = ' class="warning"' if line.startswith(("warning:", "judged all the same:")) else ""
    return f"<p{kind}>{_text(line)}</p>"


def _table(section: Section) -> str:
    reach = _reach(section.rows)
    heads = [f'<th scope="col"{_class(column)}>{_text(column.heading)}</th>' for column in section.columns]
    if reach:
        heads.append('<th scope="col" class="bar">less | more</th>')
    lines = [f"<tr>{''.join(heads)}</tr>"]
    for row in section.rows:
        first = f'<th scope="row">{_text(row.cells[0])}</th>'
        cells = [
            f"<td{_class(column)}>{_text(cell)}</td>"
            for column, cell in zip(section.columns[1:], row.cells[1:])
        ]
        if reach:
            cells.append(f"<td>{_bar(row, reach)}</td>")
        kind = _CLASSES.get(row.shows.verdict, "") if row.shows is not None else ""
        lines.append(f'<tr class="{kind}">{first}{"".join(cells)}</tr>')
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _class(column: Column) -> str:
    kind = "number" if column.right else "verdict" if column.heading == "verdict" else ""
    return f' class="{kind}"' if kind else ""


def _ends(row: Row) -> Optional[Tuple[float, float, float]]:
    shows = row.shows
    if shows is None or shows.low is None or shows.high is None:
        return None
    middle = shows.tested if isinstance(shows, Judged) else shows.tested_ms_per_step
    return None if middle is None else (shows.low, middle, shows.high)


def _reach(rows: Sequence[Row]) -> float:
    """The largest distance from no change, to which the bars of a table are drawn; 0 if there are none."""
    ends = [each for row in rows for each in (_ends(row),) if each is not None]
    largest = max((max(abs(low), abs(high)) for low, _, high in ends), default=0.0)
    # One interval of hundreds of percent would make points of all others: it is cut at the edge instead.
    return min(largest, _WIDEST) if isinstance(rows[0].shows, Judged) else largest


def _bar(row: Row, reach: float) -> str:
    ends = _ends(row)
    if ends is None:
        return ""
    half = _WIDTH / 2 - _MARGIN

    def at(value: float) -> float:
        return _WIDTH / 2 + half * min(max(value / reach, -1.0), 1.0)

    low, middle, high = (at(value) for value in ends)
    size = f"{_WIDTH:g} {_HEIGHT:g}"
    zero, half_way = _WIDTH / 2, _HEIGHT / 2
    return (
        f'<svg viewBox="0 0 {size}" width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true">'
        f'<line class="zero" x1="{zero:g}" y1="0" x2="{zero:g}" y2="{_HEIGHT:g}"/>'
        f'<rect class="range" x="{low:.1f}" y="{half_way - 3:g}" width="{max(high - low, 1):.1f}" '
        'height="6" rx="2"/>'
        f'<circle class="middle" cx="{middle:.1f}" cy="{half_way:g}" r="4"/></svg>'
    )
