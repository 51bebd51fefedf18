"""What all plots share: the axes, colours that stand out on them, titles, legends, and the real-time line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Sequence, Tuple

from nutrace.jupyter.matplotlib_import import import_matplotlib
from nutrace.jupyter.plots_words import SIZE_PT, named, width_pt
from nutrace.trace import Trace
from nutrace_exporters.palette import colour
from nutrace_exporters.runfacts import file_of, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WHITE, _BLACK = "#ffffff", "#14171c"
_STRONGER = 0.7
_ALIKE, _FAR = 1.1, 2.0
_TITLE_PT, _EDGE_PT = 10.5, 6.0


@dataclass(frozen=True)
class Ink:
    """Colours on the background that an axes has: text, muted text, the grid, and verdicts."""

    dark: bool
    background: str
    text: str
    muted: str
    grid: str
    better: str
    worse: str

    def fill(self, component: str) -> str:
        """A component's colour, as in every picture."""
        shades = colour(component)
        return shades.dark if self.dark else shades.light

    def line(self, component: str) -> str:
        """The same for lines and dots: on white, the palette's colours are too pale for these."""
        if self.dark:
            return self.fill(component)
        code = colour(component).light
        parts = (int(int(code[at : at + 2], 16) * _STRONGER) for at in (1, 3, 5))
        return "#" + "".join(f"{part:02x}" for part in parts)


ON_LIGHT = Ink(False, _WHITE, "#1b2027", "#5f6875", "#e3e6ea", "#0b62a8", "#b3440c")
ON_DARK = Ink(True, _BLACK, "#e6e9ee", "#98a2b0", "#2d333c", "#74b9f5", "#ff9d5c")


def canvas(ax: Optional[Axes], width: float, height: float) -> Tuple[Axes, Ink]:
    """The axes to draw on, and the colours for them.

    Parameters
    ----------
    ax:
        The user's; None makes a new figure.
    width, height:
        Of the new figure, in inches.
    """
    if ax is None:
        pyplot = import_matplotlib("matplotlib.pyplot")
        figure, ax = pyplot.subplots(figsize=(width, height), constrained_layout=True)
        _opaque(figure, ax)
    else:
        import_matplotlib()
    ink = ON_DARK if _luminance(_background(ax)) < 0.5 else ON_LIGHT
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax, ink


def _opaque(figure: Any, ax: Axes) -> None:
    """Fill what can be seen through: dark letters would stand on the page of a dark notebook."""
    colors = import_matplotlib("matplotlib.colors")
    text = import_matplotlib().rcParams["text.color"]
    behind = _BLACK if _luminance(colors.to_rgba(text)) > 0.5 else _WHITE
    for patch in (figure.patch, ax.patch):
        if colors.to_rgba(patch.get_facecolor())[3] < 1:
            patch.set_facecolor(behind)


def _background(ax: Axes) -> Sequence[float]:
    """What is behind the axes, as far as it is opaque; else what their labels can be read on."""
    colors = import_matplotlib("matplotlib.colors")
    for patch in (ax.patch, getattr(ax.figure, "patch", None)):
        if patch is not None and patch.get_visible():
            behind = colors.to_rgba(patch.get_facecolor())
            if behind[3] >= 0.5:
                return tuple(behind)
    letters = _luminance(colors.to_rgba(ax.xaxis.label.get_color()))
    return tuple(colors.to_rgba(_BLACK if letters > 0.5 else _WHITE))


def _luminance(color: Sequence[float]) -> float:
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


def entitle(ax: Axes, what: str, trace: Trace, facts: str) -> None:
    """The title: what is seen, of which run or part of it, and what it amounts to."""
    whose = f"{trace.selection} of {file_of(trace) or 'the trace'}" if trace.selection else title_of(trace)
    write_title(ax, [f"{what}: {whose}", facts])


def write_title(ax: Axes, sentences: Sequence[str]) -> None:
    """Lines above the axes, each shortened to its room; a sentence without room is split at semicolons.

    Above the only axes of a figure or subfigure they begin at its edge: long names may stand beside the axes.
    """
    figure: Any = ax.figure
    alone = list(figure.axes) == [ax]
    room = (figure.bbox if alone else ax.bbox).width * 72 / figure.dpi - 2 * _EDGE_PT
    lines = [line for sentence in sentences if sentence for line in _wrapped(sentence, room)]
    title = ax.set_title("\n".join(lines), loc="left", fontsize=_TITLE_PT, linespacing=1.3)
    if alone:
        title.set_x(_EDGE_PT / 72 / (figure.bbox.width / figure.dpi))
        above: Any = ax.transAxes + ax.titleOffsetTrans  # type: ignore[attr-defined]
        transforms = import_matplotlib("matplotlib.transforms")
        # There are no subfigures before matplotlib 3.4.
        across = getattr(figure, "transSubfigure", figure.transFigure)
        title.set_transform(transforms.blended_transform_factory(across, above))


def _wrapped(sentence: str, room_pt: float) -> List[str]:
    if width_pt(sentence, _TITLE_PT) <= room_pt:
        return [named(sentence)]
    parts = sentence.replace("; ", ";\n").split("\n")
    return [named(part.rstrip(";"), room_pt, _TITLE_PT) for part in parts]


def explain(ax: Axes, ink: Ink, handles: Sequence[Any], title: str = "") -> None:
    """The legend: beside the axes where the figure makes room for it, else on them."""
    outside = _makes_room(ax)
    if not handles:
        return
    if len(handles) == 1 and outside:
        _write_beside(ax, ink, handles[0])
        return
    place: Any = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if outside else {"loc": "best"}
    legend = ax.legend(
        handles=list(handles),
        title=title or None,
        fontsize=SIZE_PT,
        title_fontsize=SIZE_PT,
        frameon=not outside,
        facecolor=ink.background,
        labelcolor=ink.text,
        borderaxespad=0.0 if outside else 0.5,
        **place,
    )
    legend.get_title().set_color(ink.muted)


def _write_beside(ax: Axes, ink: Ink, line: Any) -> None:
    """Name the only line at its right end, or at the top if it is not in the picture."""
    heights = line.get_ydata()
    ax.text(
        1.01,
        heights[0] if len(heights) else 1,
        line.get_label().replace(": ", ":\n").replace(", ", ",\n"),
        color=ink.worse,
        fontsize=SIZE_PT,
        va="center" if len(heights) else "top",
        transform=ax.get_yaxis_transform() if len(heights) else ax.transAxes,
    )


def _makes_room(ax: Axes) -> bool:
    figure: Any = ax.figure
    if hasattr(figure, "get_layout_engine"):
        return figure.get_layout_engine() is not None
    return bool(figure.get_constrained_layout())


def nothing(ax: Axes, ink: Ink, sentence: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(
        0.5, 0.5, named(sentence, 420, 10), color=ink.muted, ha="center", va="center", transform=ax.transAxes
    )


def real_time(
    ax: Axes, ink: Ink, intervals_s: Iterable[Optional[float]], slowest_ms: float, upright: bool = False
) -> List[Any]:
    """Draw the time that steps simulate as a line, or a band if they differ; return it for the legend.

    Where all steps are far faster, the line would press them together: the legend then says where it is.

    Parameters
    ----------
    intervals_s:
        The seconds that each step simulates, None if unknown.
    upright:
        Whether time goes to the right.
    """
    known = [interval * 1e3 for interval in intervals_s if interval is not None]
    if not known:
        return []
    lines = import_matplotlib("matplotlib.lines")
    least, most = min(known), max(known)
    text = f"real time: {least:.3g} to {most:.3g} ms"
    if most <= _ALIKE * least:  # the timestamps of a real log are not exactly regular
        least = most = sum(known) / len(known)
        text = f"real time: {least:.4g} ms"
    if least > _FAR * slowest_ms:
        beyond = "to the right of all" if upright else "above all"
        return [lines.Line2D([], [], linestyle="none", label=f"{text}, {beyond}")]
    style: Any = {"color": ink.worse, "linewidth": 1.3, "linestyle": (0, (5, 3)), "zorder": 2.5}
    draw, band = (ax.axvline, ax.axvspan) if upright else (ax.axhline, ax.axhspan)
    if least < most:
        band(least, most, color=ink.worse, alpha=0.12, linewidth=0, zorder=0.5)
        draw(least, **style)
    return [draw(most, label=text, **style)]


def whole_steps(ax: Axes) -> None:
    """Ticks at iterations, of which there is no half."""
    ticker = import_matplotlib("matplotlib.ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def time_ticks(axis: Any) -> None:
    """Plain numbers on a logarithmic axis."""
    ticker = import_matplotlib("matplotlib.ticker")
    axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())
