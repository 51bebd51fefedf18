"""A history as a table on the terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from typing import Any, Dict, List, Optional

from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.comparison.changes import Change, component_figure
from nutrace.comparison.history import FIGURES, Revision, Series, Spread
from nutrace.dashboard.history import History, JudgedSeries
from nutrace.dashboard.words import (
    change_text,
    day,
    direction,
    number,
    percent,
    remarks,
    revision_name,
    series_name,
)
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

_SHOWN = (
    ("steps.p50_ms", Column("p50 ms")),
    ("steps.p95_ms", Column("p95 ms", rank=2)),
    ("steps.realtime_factor", Column("factor", rank=3)),
    ("database.statements_per_step", Column("statements", rank=5)),
    ("database.connections_per_step", Column("connections", rank=6)),
    ("deepcopy.root_calls_per_step", Column("copies", rank=7)),
    ("gc.collections_per_step", Column("collections", rank=8)),
)
_COLUMNS = (
    Column("revision", right=False),
    Column("first run (UTC)", right=False, rank=4),
    Column("runs", rank=4),
    *(column for _, column in _SHOWN),
    Column("p50 changes", right=False),
)
_MOST_SERIES = 4
#: What spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(history: History, limit: int, style: Style) -> str:
    """The last `limit` revisions (0: all) of each of the last series, oldest first."""
    lines: List[str] = []
    for judged in history.series[:_MOST_SERIES]:
        lines += [*_series_lines(judged, limit, style), ""]
    if len(history.series) > _MOST_SERIES:
        rest = counted(len(history.series) - _MOST_SERIES, "more series", "more series")
        choose = f"{rest}: -o dashboard.html shows all; --host, --command and --branch choose"
        lines += [style.text(choose), ""]
    return "\n".join(lines)


def _series_lines(judged: JudgedSeries, limit: int, style: Style) -> List[str]:
    series = judged.series
    told = series.circumstances
    marks = {change.revision: change for change in judged.changes if change.figure == "steps.p50_ms"}
    numbered = list(enumerate(series.revisions))
    shown = numbered[-limit:] if limit else numbered
    rows = [_row(revision, marks.get(place)) for place, revision in shown]
    what = f"{counted(len(series.runs), 'run')} of {counted(len(series.revisions), 'revision')}"
    lines = [style.heading(f"{printable(series_name(told), LINE)}: {what}")]
    lines += [style.line(printable(told.configuration, LINE)), "", style.table(_COLUMNS, rows)]
    recent = [change for change in judged.changes if change.revision >= shown[0][0]]
    if recent:
        lines += ["", style.line("Changes", Tone.STRONG)]
        for change in recent:
            name = revision_name(series.revisions[change.revision])
            text = printable(change_text(change, judged.changes), LINE)
            change_line = f"{printable(name)}  {direction(change)}: {text}"
            lines.append(style.text(change_line, indent=4, hanging=2))
    return [*lines, *(style.line(line) for line in remarks(series))]


def _row(revision: Revision, change: Optional[Change]) -> List[str]:
    figures = [revision.spread(figure) for figure, _ in _SHOWN]
    return [
        printable(revision_name(revision)),
        day(revision.began_ns),
        str(len(revision.runs)),
        *(number(spread.middle if spread else None) for spread in figures),
        f"{direction(change)} {percent(change.ratio)}" if change else "",
    ]


def as_csv(history: History) -> str:
    """A row for each run, with everything that the page has of it."""
    names = sorted({name for each in history.series for run in each.series.runs for name in run.components})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            *(
                "series",
                "host",
                "command",
                "configuration",
                "revision",
                "branch",
                "began_utc",
                "file",
                "steps",
            ),
            *FIGURES,
            *map(component_figure, names),
            *("changes", "flamegraph"),
        ]
    )
    for place, judged in enumerate(history.series, 1):
        told = judged.series.circumstances
        for order, revision in enumerate(judged.series.revisions):
            changed = [
                f"{change.figure} {percent(change.ratio)}"
                for change in judged.changes
                if change.revision == order
            ]
            for run in revision.runs:
                texts = (told.host, told.command, told.configuration, run.revision, run.branch)
                writer.writerow(
                    [
                        place,
                        *map(_cell, texts),
                        day(run.began_ns),
                        _cell(run.file),
                        run.steps,
                        *(run.figures.get(figure) for figure in FIGURES),
                        *(run.components.get(name) for name in names),
                        "; ".join(changed),
                        _cell(history.links.get(run.file, "")),
                    ]
                )
    return out.getvalue()


def _cell(text: str) -> str:
    """Text that a spreadsheet shows, and does not calculate."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_json(history: History) -> Dict[str, Any]:
    """The history as a JSON document; times in ms, null where a figure is unknown."""
    return {
        "series": [_series_json(judged, history) for judged in history.series],
        "merged": history.merged,
        "left_out": [{"file": file, "reason": reason} for file, reason in history.left_out],
    }


def _series_json(judged: JudgedSeries, history: History) -> Dict[str, Any]:
    series = judged.series
    return {
        **vars(series.circumstances),
        "revisions": [_revision_json(revision, history) for revision in series.revisions],
        "changes": [_change_json(change, series) for change in judged.changes],
        "remarks": remarks(series),
    }


def _revision_json(revision: Revision, history: History) -> Dict[str, Any]:
    return {
        "revision": revision.revision or None,
        "branch": revision.branch or None,
        "figures": {figure: _spread_json(revision.spread(figure)) for figure in FIGURES},
        "components_ms_per_step": revision.component_means(),
        "runs": [
            {
                "file": run.file,
                "began_ns": run.began_ns,
                "steps": run.steps,
                "figures": run.figures,
                "components_ms_per_step": run.components,
                "flamegraph": history.links.get(run.file),
            }
            for run in revision.runs
        ],
    }


def _spread_json(spread: Optional[Spread]) -> Optional[Dict[str, Any]]:
    if spread is None:
        return None
    keys = ("low", "high", "confidence")
    return {"median": spread.middle, **{key: getattr(spread, key) for key in keys}}


def _change_json(change: Change, series: Series) -> Dict[str, Any]:
    return {
        "figure": change.figure,
        "revision": series.revisions[change.revision].revision or None,
        "runs_of_it_before": change.within,
        "before": change.before,
        "after": change.after,
        "change": change.ratio,
        "direction": direction(change),
        "probability_without_a_change": change.probability,
    }
