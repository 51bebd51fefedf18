"""What is above the bars of a static picture: its colours, title, facts and legend."""

from __future__ import annotations

from collections import Counter
from typing import Final, Iterable, List, Mapping, NamedTuple, Sequence, Tuple
from xml.sax.saxutils import escape

from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace.trace.real_time import real_time
from nutrace_exporters.fitting import BOLD, FAMILIES, cut, width_of
from nutrace_exporters.labels import counted, duration, label
from nutrace_exporters.palette import COLOURS, colour
from nutrace_exporters.runfacts import file_of, warnings

MARGIN = 8
TITLE_PX, TEXT_PX = 14.0, 11.0
#: Readers choose between light and dark, or their computer does.
AUTO, LIGHT, DARK = THEMES = ("auto", "light", "dark")

_LINE = 16
_SWATCH, _SPACE, _BETWEEN = 10, 5, 14
#: Components with less of the self time are summed up in the legend, and so are those after the first twenty.
_LEAST_SHARE = 0.001
_MOST_COMPONENTS = 20


class _Ground(NamedTuple):
    """The colours of what is not a bar; `ink` is that of text on bars, which are light in both themes."""

    ground: str
    text: str
    muted: str
    warning: str
    ink: str


_GROUNDS: Final[Mapping[str, _Ground]] = {
    LIGHT: _Ground("#ffffff", "#1b2027", "#5f6875", "#8a3b00", "#101318"),
    DARK: _Ground("#14171c", "#e6e9ee", "#98a2b0", "#f2d48a", "#060709"),
}


def style(components: Sequence[str], theme: str) -> str:
    """The style sheet, with a class for each of these components.

    A bar's outline has the colour of the ground, and is as thick at any size of the picture, so that bars of
    one colour stay apart. Narrow ones, of which it would leave nothing, have a gap instead.
    """
    first = DARK if theme == DARK else LIGHT
    rules = (
        f"text{{font:{TEXT_PX:g}px {FAMILIES}}}.t{{font-weight:600;font-size:{TITLE_PX:g}px}}",
        ".b text{pointer-events:none}.s{fill-opacity:.9}",
        ".b rect{vector-effect:non-scaling-stroke;shape-rendering:crispEdges}",
        ".b .n{stroke:none;shape-rendering:auto}",
        _coloured(components, first),
    )
    if theme != AUTO:
        return "\n".join(rules)
    return "\n".join(rules) + f"\n@media(prefers-color-scheme:dark){{{_coloured(components, DARK)}}}"


def _coloured(components: Sequence[str], theme: str) -> str:
    ground = _GROUNDS[theme]
    fills = {
        ".g": ground.ground,
        ".t,.l": ground.text,
        ".m": ground.muted,
        ".w": ground.warning,
        ".b text": ground.ink,
        **{f".{name}": getattr(colour(name), theme) for name in components},
    }
    strokes = f".b rect{{stroke:{ground.ground}}}.b g:hover rect{{stroke:{ground.text}}}"
    return strokes + "".join(f"{selector}{{fill:{fill}}}" for selector, fill in fills.items())


def key(component: str) -> str:
    """A component's name, if it has a colour of its own: it is a class, and a part of identifiers."""
    return component if component in COLOURS else "other"


def head(
    trace: Trace, title: str, width: int, remarks: Sequence[str], samples: Tuple[str, str]
) -> Tuple[List[str], int]:
    """The title, the facts and the legend of a picture, and where the bars begin (px).

    Parameters
    ----------
    remarks:
        What else is to be said of the picture.
    samples:
        A component that has sampled functions, and where the samples come from; "" if there are none.
    """
    room = width - 2 * MARGIN
    shown = cut(title, room, TITLE_PX * BOLD)
    y = 20
    lines = [f'<text class="t" x="{MARGIN}" y="{y}">{escape(shown)}</text>']
    for items, between, kind in (
        ((*_facts(trace, title), *remarks), " · ", "m"),
        (warnings(trace), " ", "w"),
    ):
        texts = [cut(item, room, TEXT_PX) for item in items]
        for row in _rows([width_of(text, TEXT_PX) for text in texts], width_of(between, TEXT_PX), room):
            y += _LINE
            line = between.join(texts[place] for place in row)
            lines.append(f'<text class="{kind}" x="{MARGIN}" y="{y}">{escape(line)}</text>')
    y += 6
    called, components = _components(trace)
    # In columns, below each other, so that figures can be compared.
    column = max((entry.width for entry in components), default=0.0)
    beside = width_of(called, TEXT_PX) + _BETWEEN
    for entries, indent, least in ((components, beside, column), (_of_samples(*samples), 0.0, 0.0)):
        widths = [max(entry.width, least) for entry in entries]
        for row in _rows(widths, _BETWEEN, room - indent):
            y += _LINE
            x = MARGIN + indent
            if indent and row[0] == 0:
                lines.append(f'<text class="l" x="{MARGIN}" y="{y}">{called}</text>')
            for place in row:
                lines.append(entries[place].drawn(x, y))
                x += widths[place] + _BETWEEN
    return lines, y + MARGIN


def _rows(widths: Sequence[float], between: float, room: float) -> Iterable[List[int]]:
    """The places of things that are set one after the other, a list for each line."""
    row: List[int] = []
    used = 0.0
    for place, width in enumerate(widths):
        if row and used + between + width > room:
            yield row
            row = []
        used = width if not row else used + between + width
        row.append(place)
    if row:
        yield row


def _facts(trace: Trace, title: str) -> List[str]:
    """The file, what of it is drawn, its steps and its time."""
    file = file_of(trace)
    facts = [file] if file not in ("", title) else []
    if trace.selection:
        facts.append(f"only {label(trace.selection, 100)}".replace("only all steps", "only the steps"))
    steps = trace.finished_steps
    if steps:
        mean_ns = sum(trace.busy_ns[step] for step in steps) / len(steps)
        beside = real_time(trace, steps)
        simulating = f" that simulates {duration(beside.interval_s * 1e9)}" if beside else ""
        facts += [counted(len(steps), "step"), f"{duration(mean_ns)} per step{simulating}"]
        if beside:
            facts.append(f"real-time factor {beside.factor:.2f}×")
    elif trace.step_indices:
        facts.append("no finished step")
    threads = len(set(trace.thread))
    where = f" on {threads:,} threads" if threads > 1 else ""
    facts += [f"{duration(sum(trace.self_ns))}{where} in all", counted(len(trace), "span")]
    if trace.correction.state != UNCORRECTED:
        facts.append(f"times {trace.correction.state}")
    return facts


class _Entry(NamedTuple):
    """A part of the legend; a swatch has a component's colour, or a fill."""

    name: str
    figures: str = ""
    component: str = ""
    fill: str = ""

    @property
    def width(self) -> float:
        swatch = _SWATCH + _SPACE if self.component or self.fill else 0
        return swatch + width_of(self.name, TEXT_PX) + _SPACE + width_of(self.figures, TEXT_PX)

    def drawn(self, x: float, y: int) -> str:
        """The entry with its text on the line `y`."""
        swatch = ""
        if self.component or self.fill:
            filled = f'fill="{self.fill}"' if self.fill else f'class="{self.component}"'
            swatch = f'<rect {filled} x="{x:.1f}" y="{y - 9}" width="{_SWATCH}" height="{_SWATCH}"/>'
            x += _SWATCH + _SPACE
        figures = f'<tspan class="m" dx="{_SPACE}">{escape(self.figures)}</tspan>' if self.figures else ""
        return f'{swatch}<text class="l" x="{x:.1f}" y="{y}">{escape(self.name)}{figures}</text>'


def _components(trace: Trace) -> Tuple[str, List[_Entry]]:
    """What the legend is of, and the components by self time, which adds up to the width of the picture."""
    self_ns: Counter[str] = Counter()
    for component, ns in zip(trace.component, trace.self_ns):
        self_ns[component] += ns
    whole = sum(self_ns.values())
    if not whole:
        return "", []
    ranked = self_ns.most_common()
    shown = [(name, ns) for name, ns in ranked[:_MOST_COMPONENTS] if ns >= _LEAST_SHARE * whole]
    if len(ranked) == len(shown) + 1:
        shown = ranked
    rest = ranked[len(shown) :]
    steps = len(trace.finished_steps) if trace.roots == trace.finished_steps else 0

    def figures(ns: int) -> str:
        return f"{duration(ns / (steps or 1))} · {percent(ns / whole)}"

    entries = [_Entry(label(name, 40), figures(ns), component=key(name)) for name, ns in shown]
    if rest:
        entries.append(_Entry(f"{len(rest):,} more", figures(sum(ns for _, ns in rest))))
    return "Self time per step" if steps > 1 else "Self time", entries


def _of_samples(component: str, origin: str) -> List[_Entry]:
    if not component:
        return []
    hatched = _Entry(f"hatched: sampled, {origin}", fill=f"url(#{hatching_id(component)})")
    return [_Entry("solid: measured", component=component), hatched]


def hatching_id(component: str) -> str:
    """The identifier of the pattern for sampled functions of a component."""
    return f"nutrace-sampled-{component}"


def hatching(component: str) -> str:
    """The pattern for sampled functions: lines over the component's colour."""
    return (
        f'<pattern id="{hatching_id(component)}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect class="{component}" width="5" height="5"/>'
        f'<rect width="1.3" height="5" fill-opacity=".18"/></pattern>'
    )


def percent(share: float) -> str:
    """A part of the whole: ``42 %``, ``4.2 %``."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{100 * share:.{0 if share >= 0.0995 or not share else 1}f} %"
