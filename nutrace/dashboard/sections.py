"""The page without its charts: heading, changes in words, tables. It can be read without a script."""

from __future__ import annotations

from html import escape
from typing import Dict, Iterable, List, Optional, Sequence

from nutrace.comparison.changes import Change
from nutrace.comparison.circumstances import Circumstances
from nutrace.comparison.history import COUNTS, HistoryRun, Revision, Spread
from nutrace.dashboard.data import run_data
from nutrace.dashboard.history import History, JudgedSeries
from nutrace.dashboard.words import (
    INTERVALS,
    LINES,
    RULES,
    change_text,
    day,
    direction,
    figure_name,
    number,
    remarks,
    revision_name,
    series_name,
)
from nutrace_exporters.labels import counted, label

_TIMES = ("steps.p50_ms", "steps.p95_ms", "steps.realtime_factor")
_SHORT = {
    "steps.p50_ms": "p50, ms",
    "steps.p95_ms": "p95, ms",
    "steps.realtime_factor": "real-time factor",
    "database.statements_per_step": "statements",
    "database.connections_per_step": "connections",
    "deepcopy.root_calls_per_step": "deep copies",
    "gc.collections_per_step": "collections",
}
_SIGNS = {"slower": "▲", "faster": "▼", "more": "▲", "fewer": "▼"}
_CHARTS = (
    ("times", "Step time", "The scales do not begin at 0. " + INTERVALS),
    ("components", "Where a step's time goes", "Self time of the components, mean of a revision's runs."),
    ("factor", "Real-time factor", "Step time over simulated time: above 1.0x is slower than real time."),
    ("counts", "Counts per step", "Exact counts, each with its own scale."),
)


def text(value: str, limit: int = 400) -> str:
    """Text of a run file, for HTML."""
    return escape(label(value, limit)) if value else ""


def head(history: History) -> str:
    """The lines below the title."""
    runs = [run for judged in history.series for run in judged.series.runs]
    first, last = min(run.began_ns for run in runs), max(run.began_ns for run in runs)
    revisions = {run.revision for run in runs if run.revision}
    lines = [
        f"<p>{counted(len(runs), 'run')} of {counted(len(revisions), 'revision')}, "
        f"{day(first)} to {day(last)} UTC.</p>"
    ]
    if history.merged:
        what = " and ".join(history.merged)
        lines.append(
            f"<p>Runs of one line may differ in {escape(what)}, as this page was asked to draw it.</p>"
        )
    if history.left_out:
        rows = "".join(f"<li><code>{text(file)}</code>: {text(why)}</li>" for file, why in history.left_out)
        lines.append(
            f'<details class="warning"><summary>{counted(len(history.left_out), "run file")} left out'
            f"</summary><ul>{rows}</ul></details>"
        )
    if len(history.series) > 1:
        choices = "".join(
            f'<option value="{place}">{text(series_name(judged.series.circumstances), 120)}: '
            f"{counted(len(judged.series.runs), 'run')}</option>"
            for place, judged in enumerate(history.series)
        )
        lines.append(
            f'<p><label>{len(history.series)} series, which are not comparable: <select id="series">{choices}'
            "</select></label></p>"
        )
    return "\n".join(lines)


def sections(history: History) -> str:
    """A section for each series."""
    return "\n".join(_section(place, judged, history) for place, judged in enumerate(history.series))


def _section(place: int, judged: JudgedSeries, history: History) -> str:
    series = judged.series
    newest = series.revisions[-1]
    parts = [
        f'<section class="series" data-series="{place}" aria-label="series {place + 1}">',
        _circumstances(series.circumstances),
        _latest(newest),
        _changes(judged),
        *(f'<p class="remark">{escape(remark)}</p>' for remark in remarks(series)),
        *(
            f'<figure><figcaption><h2>{heading}</h2><p>{escape(what)}</p></figcaption><div class="chart" '
            f'data-chart="{name}"></div></figure>'
            for name, heading, what in _CHARTS
        ),
        '<div class="chosen" role="status" aria-live="polite" hidden></div>',
        _revision_table(judged),
        _component_table(judged),
        _run_table(judged, history),
        "</section>",
    ]
    return "\n".join(parts)


def _circumstances(circumstances: Circumstances) -> str:
    rows = (
        ("Command", circumstances.command),
        ("Host", circumstances.host),
        ("Configuration", circumstances.configuration),
    )
    items = "".join(f"<dt>{name}</dt><dd>{text(value, 1000) or 'unknown'}</dd>" for name, value in rows)
    return f'<dl class="circumstances">{items}</dl>'


def _latest(revision: Revision) -> str:
    """The figures of the last revision, large."""
    cards = []
    for figure, unit in (("steps.p50_ms", " ms"), ("steps.p95_ms", " ms"), ("steps.realtime_factor", "x")):
        spread = revision.spread(figure)
        if spread is not None:
            name = figure_name(figure)
            cards.append(f"<div><b>{number(spread.middle)}{unit}</b><span>{name}</span></div>")
    name, last = text(revision_name(revision), 40), day(revision.runs[-1].began_ns)
    cards.insert(0, f"<div><b><code>{name}</code></b><span>last revision, {last}</span></div>")
    return f'<div class="latest" role="group" aria-label="the last revision">{"".join(cards)}</div>'


def _changes(judged: JudgedSeries) -> str:
    by_revision: Dict[int, List[Change]] = {}
    for change in judged.changes:
        by_revision.setdefault(change.revision, []).append(change)
    rows = []
    for place, members in sorted(by_revision.items(), reverse=True):
        revision = judged.series.revisions[place]
        branch = f" on {text(revision.branch, 60)}" if revision.branch else ""
        sentences = "".join(f"<li>{_change(change, judged)}</li>" for change in members)
        name = f"<code>{text(revision_name(revision), 40)}</code>{branch}, {day(revision.began_ns)}"
        rows.append(f"<li>From {name}<ul>{sentences}</ul></li>")
    listed = f"<ul>{''.join(rows)}</ul>" if rows else "<p>No change was found.</p>"
    rules = "".join(f"<li>{escape(rule)}</li>" for rule in (*RULES, *LINES))
    return (
        f'<div class="changes"><h2>What changed, newest first</h2>{listed}'
        '<details class="rules"><summary>When is it a change, and what is one line?</summary>'
        f"<ul>{rules}</ul></details></div>"
    )


def _change(change: Change, judged: JudgedSeries) -> str:
    which = direction(change)
    sure = "exact" if change.probability is None else f"p {_probability(change.probability)}"
    what = text(change_text(change, judged.changes))
    return f'<b class="{which}">{_SIGNS[which]} {which}</b> {what} <small>({sure})</small>'


def _probability(probability: float) -> str:
    return "< 0.001" if probability < 0.001 else f"{probability:.3f}"


def _revision_table(judged: JudgedSeries) -> str:
    figures = (*_TIMES, *COUNTS)
    marks = {
        change.revision: direction(change) for change in judged.changes if change.figure == "steps.p50_ms"
    }
    rows = []
    for place, revision in reversed(list(enumerate(judged.series.revisions))):
        which = marks.get(place, "")
        cells = [
            f"<code>{text(revision_name(revision), 40)}</code>",
            text(revision.branch, 60),
            day(revision.began_ns),
            str(len(revision.runs)),
            *(_spread(revision.spread(figure)) for figure in figures),
            f"{_SIGNS[which]} {which}" if which else "",
        ]
        rows.append(_row(cells, left=(0, 1, 2, 4, 5, 6, len(cells) - 1), where=f' data-revision="{place}"'))
    headings = [
        "revision",
        "branch",
        "first run",
        "runs",
        *(_SHORT[figure] for figure in figures),
        "p50 changes",
    ]
    return _table(
        "Revisions", headings, rows, "Medians of the runs; in brackets the interval and how sure it is."
    )


def _component_table(judged: JudgedSeries) -> str:
    names = sorted({name for run in judged.series.runs for name in run.components})
    rows = []
    for revision in reversed(judged.series.revisions):
        means = revision.component_means()
        cells = [
            f"<code>{text(revision_name(revision), 40)}</code>",
            *(number(means.get(name)) for name in names),
        ]
        rows.append(_row(cells, left=(0,)))
    return _table(
        "Components", ["revision", *map(escape, names)], rows, "Self time in ms a step, mean of the runs."
    )


def _run_table(judged: JudgedSeries, history: History) -> str:
    figures = (*_TIMES, *COUNTS)
    rows = []
    for revision in reversed(judged.series.revisions):
        for run in reversed(revision.runs):
            cells = [
                f"<code>{text(revision_name(revision), 40)}</code>",
                day(run.began_ns),
                _flamegraph(run, history),
                f"{run.steps:,}",
                *(number(run.figures.get(figure)) for figure in figures),
            ]
            rows.append(_row(cells, left=(0, 1, 2)))
    headings = ["revision", "began", "run, its flamegraph", "steps", *(_SHORT[figure] for figure in figures)]
    return _table("Runs", headings, rows, "Each run as it was measured.")


def _flamegraph(run: HistoryRun, history: History) -> str:
    data = run_data(run, history)
    name = escape(data["file"])
    return f'<a href="{escape(data["link"])}">{name}</a>' if data["link"] else name


def _spread(spread: Optional[Spread]) -> str:
    if spread is None or spread.low is None or spread.high is None:
        return number(spread.middle if spread else None)
    if spread.low == spread.high:
        return number(spread.middle)
    sure = f"{100 * (spread.confidence or 0):.0f} %"
    return f"{number(spread.middle)} <small>({number(spread.low)} to {number(spread.high)}, {sure})</small>"


def _row(cells: Sequence[str], left: Iterable[int], where: str = "") -> str:
    first, *others = cells
    chosen = set(left)
    drawn = [
        f"<td{'' if place in chosen else ' class=number'}>{cell}</td>" for place, cell in enumerate(others, 1)
    ]
    return f'<tr{where}><th scope="row">{first}</th>{"".join(drawn)}</tr>'


def _table(heading: str, headings: Sequence[str], rows: List[str], what: str) -> str:
    cells = "".join(f'<th scope="col">{each}</th>' for each in headings)
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return (
        f"<details open><summary><h2>{heading}</h2></summary><p>{what} Newest first.</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{heading}">{table}</div></details>'
    )
