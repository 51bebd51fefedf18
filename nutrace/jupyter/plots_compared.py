"""Two sides against each other: how much each figure changed, and whether that is more than chance."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from nutrace.cli.compare_numbers import is_share, number, percent, verdict
from nutrace.comparison import Comparison, Judged, Kind, Options, SideFacts, Verdict
from nutrace.jupyter.plots_canvas import Ink, canvas, nothing, write_title
from nutrace.jupyter.plots_words import SIZE_PT, named, width_pt
from nutrace_exporters.labels import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Components and counts that are drawn at most, those that changed most.
_MOST = 12
_NAME_PT, _GAP_PT = 210.0, 12.0
_HEAD = -1.1  # the place of the columns' heads, above the first row
#: How far the axis reaches at most: what changed by more has an arrow there.
_FARTHEST = -1.05, 2.0
_BETTER = Verdict.FASTER, Verdict.FEWER
_WORSE = Verdict.SLOWER, Verdict.MORE
_OPEN = Verdict.UNDECIDED


class _Row(NamedTuple):
    """A figure with its name, and the change that is judged, if there is one."""

    name: str
    shows: Judged

    @property
    def change(self) -> Optional[float]:
        return self.shows.change if self.shows.tested is None else self.shows.tested


def plot_comparison(comparison: Comparison, ax: Optional[Axes] = None) -> Axes:
    """Draw what changed; see :meth:`nutrace.jupyter.compared.Compared.plot`."""
    groups = {
        "": _headline(comparison),
        "self time per step": _components(comparison),
        "counts that differ": _counts(comparison),
    }
    groups = {heading: rows for heading, rows in groups.items() if rows}
    rows = [row for group in groups.values() for row in group]
    ax, ink = canvas(ax, 9.0, 1.9 + 0.24 * (len(rows) + 2 * len(groups)))
    base, new = _sides(comparison.base, comparison.new)
    write_title(ax, [f"What changed from {base} to {new}", _facts(comparison, rows)])
    least = 100 * Options().least_effect
    ax.set_xlabel(
        f"tested change (%) and its interval of 95 %: to the left is less\n"
        f"grey: less than {least:g} %, which counts as the same"
    )
    if not rows:
        nothing(ax, ink, "there is nothing to compare")
        return ax
    ax.axvspan(-least, least, color=ink.grid, linewidth=0, zorder=0)
    ax.axvline(0, color=ink.muted, linewidth=0.8, zorder=1)
    reach = _reach(rows)
    ax.set_xlim(100 * reach[0], 100 * reach[1])
    places, ticks = _places(groups)
    ax.set_ylim(max(places) + 0.8, -1.6)
    ax.set_yticks(list(ticks))
    for place, written in zip(ticks, ax.set_yticklabels(list(ticks.values()), fontsize=SIZE_PT)):
        written.set_color(ink.text if place in places else ink.muted)
    ax.tick_params(axis="y", length=0, pad=8)  # room for arrows
    for row, place in zip(rows, places):
        _draw(ax, ink, row, place, reach)
    _write(ax, ink, rows, places, min(comparison.base.runs, comparison.new.runs))
    return ax


def _places(groups: Mapping[str, Sequence[_Row]]) -> Tuple[List[float], Dict[float, str]]:
    """Where the rows are, and what is written at which place: their names, and headings."""
    places: List[float] = []
    ticks: Dict[float, str] = {}
    place = 0.0
    for heading, rows in groups.items():
        if heading:
            place += 0.6 if places else 0.0
            ticks[place] = f"{heading}:"
            place += 1.0
        for row in rows:
            places.append(place)
            ticks[place] = row.name
            place += 1.0
    return places, ticks


def _headline(comparison: Comparison) -> List[_Row]:
    by_name = {row.figure: row for row in comparison.judged}
    known = ((label, by_name.get(figure)) for figure, label in comparison.headline.items())
    return [_Row(named(label, _NAME_PT), row) for label, row in known if row is not None and _is_there(row)]


def _components(comparison: Comparison) -> List[_Row]:
    rows = [
        _Row(named(row.figure.split(".")[1], _NAME_PT), row)
        for row in comparison.judged
        if row.figure.startswith("components.")
        and row.figure.endswith(".self_ms_per_step")
        and _is_there(row)
    ]
    return sorted(rows, key=lambda row: -abs((row.shows.new or 0.0) - (row.shows.base or 0.0)))[:_MOST]


def _counts(comparison: Comparison) -> List[_Row]:
    """Those that differ, and that the headline does not have."""
    rows = [
        _Row(named(row.figure, _NAME_PT), row)
        for row in comparison.judged
        if row.kind is Kind.COUNT
        and row.verdict in (Verdict.FEWER, Verdict.MORE)
        and row.figure not in comparison.headline
    ]
    return sorted(rows, key=lambda row: -abs(row.change or 0.0))[:_MOST]


def _is_there(row: Judged) -> bool:
    return bool(row.base or row.new)


def _reach(rows: Sequence[_Row]) -> Sequence[float]:
    """The ends of the axis, as parts of the base: all changes, and the intervals of what is decided."""
    ends = [0.0]
    for row in rows:
        ends.append(row.change or 0.0)
        if row.shows.verdict is not _OPEN:
            ends += [row.shows.low or 0.0, row.shows.high or 0.0]
    spare = max(0.03, 0.08 * (max(ends) - min(ends)))
    return max(min(ends) - spare, _FARTHEST[0]), min(max(ends) + spare, _FARTHEST[1])


def _draw(ax: Axes, ink: Ink, row: _Row, place: float, reach: Sequence[float]) -> None:
    """A dot with its interval; an arrow at the end of the axis for what is farther."""
    if row.change is None:
        return
    left, right = reach
    color = _color(ink, row.shows)
    hollow = ink.background if row.shows.verdict is _OPEN else color
    low, high = row.shows.low, row.shows.high
    if low is not None and high is not None:
        ends = [100 * min(max(end, left), right) for end in (low, high)]
        ax.plot(ends, [place] * 2, color=color, linewidth=2, solid_capstyle="butt", zorder=3)
    marker = "s" if row.shows.kind is Kind.COUNT else "o"
    look: Any = {"linestyle": "none", "markeredgecolor": color, "zorder": 4, "clip_on": False}
    if left <= row.change <= right:
        ax.plot([100 * row.change], [place], marker=marker, markersize=6, markerfacecolor=hollow, **look)
    arrows = []
    if min(row.change, row.change if low is None else low) < left:
        arrows.append((left, "<"))
    if max(row.change, row.change if high is None else high) > right:
        arrows.append((right, ">"))
    for end, arrow in arrows:
        ax.plot([100 * end], [place], marker=arrow, markersize=6, markerfacecolor=color, **look)


def _color(ink: Ink, row: Judged) -> str:
    if is_share(row.figure):  # of a hit rate, more is better
        return ink.muted
    return ink.better if row.verdict in _BETTER else ink.worse if row.verdict in _WORSE else ink.muted


def _write(ax: Axes, ink: Ink, rows: Sequence[_Row], places: Sequence[float], runs: int) -> None:
    """Beside the axes: both sides' figures, the change, and the verdict in words, in columns."""
    cells = [list(_cells(row, runs)) for row in rows]
    begin = _GAP_PT
    for column, head in enumerate(("base", "new", "tested", "verdict")):
        texts = [each[column] for each in cells]
        width = max(map(width_pt, (head, *texts)))
        right = head != "verdict"
        look: Any = {
            "xycoords": ax.get_yaxis_transform(),
            "xytext": (begin + width if right else begin, 0),
            "textcoords": "offset points",
            "ha": "right" if right else "left",
            "va": "center",
            "fontsize": SIZE_PT,
            "annotation_clip": False,
        }
        ax.annotate(head, (1, _HEAD), color=ink.muted, **look)
        for place, text, row in zip(places, texts, rows):
            changed = not right and row.shows.verdict in (*_BETTER, *_WORSE)
            color = ink.text if right else _color(ink, row.shows)
            ax.annotate(text, (1, place), color=color, fontweight="bold" if changed else "normal", **look)
        begin += width + _GAP_PT


def _cells(row: _Row, runs: int) -> Iterator[str]:
    shown = row.shows
    yield number(shown.figure, shown.base)
    yield number(shown.figure, shown.new)
    yield "" if row.change is None else percent(row.change).replace("-", "−")
    words = verdict(shown, runs).partition(":")[0]
    needed = shown.runs_needed if shown.verdict is _OPEN else None
    yield f"{words} ({counted(needed, 'more run')})" if needed and words == _OPEN.value else words


def _facts(comparison: Comparison, rows: Sequence[_Row]) -> str:
    base, new = comparison.base, comparison.new
    runs = f"{counted(base.runs, 'run')} against {new.runs:,}"
    times = [row.shows.verdict for row in rows if row.shows.kind is Kind.TIME]
    fewest = Options().fewest_runs
    if min(base.runs, new.runs) < fewest:
        return f"{runs}; no time is judged with fewer than {fewest} runs a side"
    told = ", ".join(
        f"{times.count(each):,} {each.value}"
        for each in (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME, Verdict.UNDECIDED)
        if each in times
    )
    return f"{runs}; {counted(len(times), 'time')}: {told}" if times else runs


def _sides(base: SideFacts, new: SideFacts) -> Sequence[str]:
    """What the two sides are called: the ends of their paths that differ."""
    places = [_place(side).split(os.sep) for side in (base, new)]
    for parts in range(1, 1 + max(map(len, places))):
        names = [os.sep.join(place[-parts:]) for place in places]
        if names[0] != names[1]:
            return names
    return "base", "new"


def _place(side: SideFacts) -> str:
    if len(side.files) == 1:
        return side.files[0]
    return os.path.commonpath([os.path.dirname(os.path.abspath(file)) for file in side.files] or [os.curdir])
