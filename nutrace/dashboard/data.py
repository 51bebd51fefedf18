"""What the page's script draws, as JSON, and what its tables say."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from nutrace.comparison.history import COUNTS, FIGURES, HistoryRun, Revision, Spread
from nutrace.dashboard.history import History, JudgedSeries
from nutrace.dashboard.words import (
    change_text,
    day,
    direction,
    percent,
    revision_name,
    series_name,
)
from nutrace_exporters.labels import label
from nutrace_exporters.palette import colour

_MOST_COMPONENTS = 8
_LEAST_SHARE = 0.02
OTHERS = "all others"


def page_data(history: History) -> Dict[str, Any]:
    """The series, in the order of the page."""
    return {"series": [series_data(judged, history) for judged in history.series]}


def series_data(judged: JudgedSeries, history: History) -> Dict[str, Any]:
    """One series: its revisions, components and changes."""
    series = judged.series
    drawn = drawn_components(judged)
    return {
        "name": label(series_name(series.circumstances), 200),
        "revisions": [_revision(revision, drawn, history) for revision in series.revisions],
        "components": [
            {"name": name, "light": colour(name).light, "dark": colour(name).dark} for name in drawn
        ],
        "counts": [
            {"figure": figure, "name": FIGURES[figure]}
            for figure in COUNTS
            if any(run.figures.get(figure) is not None for run in series.runs)
        ],
        "changes": [
            {
                "at": change.revision,
                "within": change.within / len(series.revisions[change.revision].runs),
                "figure": change.figure,
                "direction": direction(change),
                "short": percent(change.ratio),
                "text": label(change_text(change, judged.changes), 400),
            }
            for change in judged.changes
        ],
    }


def drawn_components(judged: JudgedSeries) -> List[str]:
    """The components that have a colour of their own, the costliest first; the others are one more."""
    runs = judged.series.runs
    sums: Dict[str, float] = {}
    for run in runs:
        for name, time in run.components.items():
            sums[name] = sums.get(name, 0.0) + time
    whole = sum(sums.values())
    large = [
        name for name in sorted(sums, key=lambda name: -sums[name]) if sums[name] >= _LEAST_SHARE * whole
    ]
    drawn = large[:_MOST_COMPONENTS]
    return drawn if len(drawn) == len(sums) else [*drawn, OTHERS]


def _revision(revision: Revision, drawn: List[str], history: History) -> Dict[str, Any]:
    means = revision.component_means()
    others = sum(time for name, time in means.items() if name not in drawn)
    return {
        "name": label(revision_name(revision), 40),
        "commit": label(revision.revision, 80) if revision.revision else "",
        "branch": label(revision.branch, 100) if revision.branch else "",
        "began": day(revision.began_ns),
        "figures": {figure: _spread(revision.spread(figure)) for figure in FIGURES},
        "components": [others if name == OTHERS else means.get(name, 0.0) for name in drawn],
        "runs": [run_data(run, history) for run in revision.runs],
    }


def run_data(run: HistoryRun, history: History) -> Dict[str, Any]:
    """One run: its file, the address of its flamegraph or "", and its figures."""
    return {
        "file": label(os.path.basename(run.file), 100),
        "link": history.links.get(run.file, ""),
        "began": day(run.began_ns),
        "steps": run.steps,
        "figures": {figure: run.figures.get(figure) for figure in FIGURES},
    }


def _spread(spread: Optional[Spread]) -> Optional[List[Optional[float]]]:
    """``[median, low, high]``."""
    return None if spread is None else [spread.middle, spread.low, spread.high]
