"""Figures, dates and changes in words, the same in the terminal and on the page."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import List, Optional, Sequence

from nutrace.comparison.changes import LEAST_EFFECT, LEVEL, MOST_RUNS, Change, causes
from nutrace.comparison.circumstances import Circumstances
from nutrace.comparison.divisions import LEAST_RUNS, LEAST_SEARCHED, SHUFFLES
from nutrace.comparison.history import FIGURES, Revision, Series
from nutrace_exporters.labels import counted

#: When the page says that something changed.
RULES = (
    "Times: the runs are divided so that the parts scatter least (PELT, with ruptures; runs far from all "
    f"others are clipped). The same runs shuffled {SHUFFLES:,} times tell how often chance divides them as "
    "clearly. In a series without any change one is named with a probability of at most "
    f"{100 * LEVEL:.0f} %, all its times together (Holm).",
    f"A change has at least {LEAST_RUNS} runs before it and {LEAST_RUNS} after it, so no single run "
    f"makes one. A series of fewer than {LEAST_SEARCHED} runs has none. Less than "
    f"{100 * LEAST_EFFECT:.0f} % of the step time is not named.",
    "A change is put between two revisions. If it lies within the runs of one revision, its code is not "
    "the reason.",
    "Runs made on a slow day of the machine look like slow code. Before you believe a change, run both "
    "revisions again in turn: nutrace bench and nutrace compare do that.",
    "Statements, connections and deep copies are exact: they change if all runs of a revision agree, "
    "all of the next one agree, and the two differ. Collections are drawn, and not judged: when Python "
    "collects depends on more than the program.",
)
#: What stands on one line.
LINES = (
    "Runs share a line if host, command and configuration are equal. Of paths in a command only the "
    "last part counts, as folders of outputs differ.",
    "Revisions stand in the order of their first run. Uncommitted changes are not known: a run belongs "
    "to the commit that was checked out in the folder in which it was started.",
)
#: What points and bars are.
INTERVALS = (
    "Points are medians of a revision's runs, dots are runs. Bars are 95 % intervals of the median from "
    "six runs on; of fewer runs they go from the lowest to the highest, and the table says how sure "
    "that is."
)


def number(value: Optional[float]) -> str:
    """A figure with three digits or more; a dash if it is unknown."""
    if value is None:
        return "-"
    size = abs(value)
    digits = 0 if size >= 1000 or value == int(value) else 1 if size >= 100 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def day(time_ns: int) -> str:
    """A time in UTC, to the minute."""
    try:
        return datetime.fromtimestamp(time_ns / 1e9, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):  # beyond the year 9999
        return "unknown time"


def revision_name(revision: Revision) -> str:
    """The short name of a commit; the time of a run without one."""
    return revision.revision[:7] or day(revision.began_ns)


def series_name(circumstances: Circumstances) -> str:
    """Command and host in one line."""
    command = circumstances.command or "unknown command"
    return f"{command} on {circumstances.host or 'unknown host'}"


def figure_name(figure: str) -> str:
    """What a figure is called."""
    known = FIGURES.get(figure)
    return known or f"{figure.split('.')[1]}, self time per step"


def percent(ratio: Optional[float]) -> str:
    """A change in percent, with its sign."""
    return "new" if ratio is None else f"{100 * ratio:+.1f} %"


def direction(change: Change) -> str:
    """Slower or faster; for counts more or fewer."""
    grew = change.after > change.before
    if change.probability is None:
        return "more" if grew else "fewer"
    return "slower" if grew else "faster"


def change_text(change: Change, others: Sequence[Change]) -> str:
    """One sentence on a change, without its direction and revision."""
    unit = " ms" if change.probability is not None else ""
    before, after = number(change.before), number(change.after)
    text = f"{figure_name(change.figure)}: {before} to {after}{unit} ({percent(change.ratio)})"
    if change.figure in ("steps.p50_ms", "steps.p95_ms"):
        parts = [f"{name} {more:+.2f} ms a step" for name, more in causes(change, others).items()]
        text += f"; {', '.join(parts[:3])}" if parts else ""
    if change.within:
        text += f"; after {counted(change.within, 'run')} of this revision, so its code is not the reason"
    return text


def remarks(series: Series) -> List[str]:
    """What to know about a series before believing it."""
    runs = len(series.runs)
    said = []
    if runs < LEAST_SEARCHED:
        said.append(
            f"{counted(runs, 'run')}: too few to say whether a time changes, which takes {LEAST_SEARCHED}. "
            "To compare two revisions, use nutrace compare."
        )
    if runs > MOST_RUNS:
        said.append(f"Changes of times are looked for in the last {MOST_RUNS} of {runs:,} runs.")
    unnamed = sum(not revision.revision for revision in series.revisions)
    if unnamed:
        said.append(
            f"{counted(unnamed, 'run')} without a git revision: each stands alone, under its time. "
            "The revision is that of the repository in which the program was started."
        )
    if _entangled(series):
        said.append(
            "Runs of some revisions lie among those of others: they were run again later, or a clock was set."
        )
    return said


def _entangled(series: Series) -> bool:
    """Whether runs of a revision lie among those of others."""
    latest = 0
    for revision in series.revisions:
        if revision.began_ns < latest:
            return True
        latest = max(latest, revision.runs[-1].began_ns)
    return False
