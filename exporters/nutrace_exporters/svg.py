"""A static flamegraph of merged stacks, for a README or a pull request.

One SVG without scripts or outside references, readable on light and dark backgrounds. Tooltips have the
full name, calls and times. Functions that were sampled inside spans are hatched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Dict, Iterable, Iterator, List, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.calltree import Node, SampledNode, merge, walk
from nutrace_exporters.insidetree import origin, place_of
from nutrace_exporters.labels import counted, duration, label
from nutrace_exporters.palette import COLOURS, colour, lighter
from nutrace_exporters.runfacts import title_of

_ROW = 18
_TOP = 42
_MARGIN = 8
#: Sampled functions that would be narrower (px) are joined: such a box would stand for too few samples.
_NARROWEST_SAMPLED = 2.0
_CHARACTER = 6.7  # Mean advance of the label font, px: 11 px, sans-serif.

_STYLE = """\
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.l{fill:#14171c;pointer-events:none}.s{fill-opacity:.55}.t{font-weight:600;font-size:14px;fill:#3d4450}.m{fill:#727a86}
rect{shape-rendering:crispEdges}g:hover>rect{stroke:#14171c;stroke-width:1.5}
@media(prefers-color-scheme:dark){.t{fill:#e4e7ec}.m{fill:#9aa2ae}g:hover>rect{stroke:#fff}}"""


@dataclass(frozen=True)
class Options:
    """How to draw.

    Parameters
    ----------
    title:
        Heading; by default scenario and planner, or the run file's name.
    width:
        Width of the picture in px.
    min_px:
        Boxes narrower than this (px) are joined with narrow neighbours into a grey one.
    max_depth:
        Number of rows drawn; a line says if there are more.
    samples:
        Whether to draw the functions that were sampled inside spans.
    """

    title: str = ""
    width: int = 1200
    min_px: float = 0.6
    max_depth: int = 100
    samples: bool = True


class _Box(NamedTuple):
    x: float
    width: float
    depth: int
    node: Node
    in_step: bool
    sampled: bool = False


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Draw `trace` with all equal stacks merged, widest first."""
    top = merge(trace, options.samples)
    boxes = list(_place(top, options))
    widest_first = sorted((box for box in boxes if box.sampled), key=lambda box: -box.width)
    hatched = list(dict.fromkeys(_key(box.node.component) for box in widest_first))
    origin_of_samples = origin(trace.sampled) if trace.sampled and hatched else ""
    first_row = _TOP + (_ROW if hatched else 0)
    deepest = max((depth for depth, _ in walk(top)), default=-1)
    rows = max((box.depth for box in boxes), default=-1) + 1
    height = first_row + rows * _ROW + _MARGIN
    title = label(options.title or title_of(trace), 120)
    steps = [trace.busy_ns[step] for step in trace.finished_steps]
    threads = len(set(trace.thread))
    where = f" on {threads} threads" if threads > 1 else ""
    facts = [f"only {label(trace.selection, 100)}"] if trace.selection else []
    facts += [duration(top.total_ns) + where, f"{len(trace):,} spans"]
    if steps:
        facts.append(f"{len(steps):,} steps of {duration(sum(steps) / len(steps))} on average")
    if trace.correction.state != UNCORRECTED:
        facts.append(trace.correction.state)
    if deepest >= options.max_depth:
        facts.append(f"{options.max_depth} of {deepest + 1:,} levels drawn")
    name = quoteattr(f"Flamegraph of {title}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {options.width} {height}" '
        f'width="{options.width}" height="{height}" role="img" aria-label={name}>',
        f"<style>{_STYLE}</style>",
        f'<text class="t" x="{_MARGIN}" y="18">{escape(title)}</text>',
        f'<text class="m" x="{_MARGIN}" y="34">{escape(" · ".join(facts))}</text>',
    ]
    if hatched:
        lines.extend(_hatching(component) for component in hatched)
        lines.append(_legend(hatched[0], origin_of_samples))
    # The box of all steps holds the time of unfinished ones too: then no time is that of a step.
    every = 1 if any(map(trace.unfinished, trace.step_indices)) else len(steps)
    lines.extend(_draw(box, first_row, top.total_ns, every) for box in boxes)
    lines.append("</svg>\n")
    out.write("\n".join(lines).encode())


def _place(top: Node, options: Options) -> Iterator[_Box]:
    if not top.total_ns:
        return
    scale = (options.width - 2 * _MARGIN) / top.total_ns
    stack = [(top, float(_MARGIN), 0, False)]
    while stack:
        parent, x, depth, in_step = stack.pop()
        if depth == options.max_depth:
            continue
        narrow: Dict[Node, float] = {}
        # Widest first, so that the narrow ones are neighbours on the right, and merge into one box.
        for node in sorted(parent.children.values(), key=lambda child: -child.total_ns):
            width = node.total_ns * scale
            narrowest = options.min_px
            if isinstance(node, SampledNode):
                narrowest = max(narrowest, _NARROWEST_SAMPLED)
            if width < narrowest:
                narrow[node] = width
                continue
            stepping = in_step or node.name == semconv.STEP_SPAN
            yield _Box(x, width, depth, node, stepping, isinstance(node, SampledNode))
            stack.append((node, x, depth + 1, stepping))
            x += width
        total = sum(narrow.values())
        if narrow and total >= options.min_px:
            yield _Box(x, total, depth, _sum(list(narrow)), in_step, _are_sampled(narrow) == len(narrow))


def _are_sampled(nodes: Iterable[Node]) -> int:
    return sum(isinstance(node, SampledNode) for node in nodes)


def _sum(nodes: List[Node]) -> Node:
    sampled = _are_sampled(nodes)
    some = ", some sampled" if 0 < sampled < len(nodes) else ""
    component = nodes[0].component if sampled == len(nodes) else "other"
    joined = Node(f"({len(nodes)} narrower{some})", component)
    for node in nodes:
        joined.calls += node.calls
        joined.self_ns += node.self_ns
        joined.total_ns += node.total_ns
    return joined


def _key(component: str) -> str:
    """A component's name, if it has a colour of its own: it is written into identifiers."""
    return component if component in COLOURS else "other"


def _hatching(component: str) -> str:
    strong = colour(component).light
    return (
        f'<pattern id="nutrace-sampled-{component}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="5" height="5" fill="{lighter(strong)}"/>'
        f'<rect width="1.3" height="5" fill="{strong}"/></pattern>'
    )


def _legend(component: str, origin_of_samples: str) -> str:
    y = _TOP + 2
    entries = (
        (_MARGIN, colour(component).light, "solid: measured"),
        (_MARGIN + 128, f"url(#nutrace-sampled-{component})", f"hatched: sampled, {origin_of_samples}"),
    )
    return "".join(
        f'<rect x="{x}" y="{y}" width="18" height="10" fill="{fill}"/>'
        f'<text class="m" x="{x + 24}" y="{y + 9}">{escape(text)}</text>'
        for x, fill, text in entries
    )


def _draw(box: _Box, first_row: int, all_ns: int, steps: int) -> str:
    node = box.node
    share = f"{100 * node.total_ns / all_ns:.0f} %"
    if isinstance(node, SampledNode):
        tip = _estimate(node)
        share = f"≈ {share}"
    else:
        tip = node.name
        if node.calls or node.self_ns:  # a thread has neither
            tip += f"\n{node.component} · {counted(node.calls, 'call')}"
        tip += f"\ntotal {duration(node.total_ns)} ({100 * node.total_ns / all_ns:.1f} %)"
        if box.sampled:
            tip += ", estimated from samples"
        elif node.calls or node.self_ns:
            tip += f", self {duration(node.self_ns)}"
    if steps > 1 and box.in_step:
        about = "about " if box.sampled else ""
        tip += f"\n{about}{duration(node.total_ns / steps)} per step"
    y = first_row + box.depth * _ROW
    # A thin gap between neighbours, if there is room for it.
    width = box.width - 0.5 if box.width > 2 else box.width
    text = ""
    room = int((box.width - 8) / _CHARACTER)
    if room >= 3:
        shown = node.name if len(node.name) <= room else node.name[: room - 1] + "…"
        behind = f'<tspan class="s" dx="7">{share}</tspan>' if len(node.name) + len(share) + 2 <= room else ""
        text = f'<text class="l" x="{box.x + 4:.2f}" y="{y + 12.5}">{escape(shown)}{behind}</text>'
    fill = colour(node.component).light
    if box.sampled:
        fill = f"url(#nutrace-sampled-{_key(node.component)})"
    return (
        f'<g><title>{escape(tip)}</title><rect x="{box.x:.2f}" y="{y}" width="{width:.2f}" '
        f'height="{_ROW - 1}" fill="{fill}"/>{text}</g>'
    )


def _short(place: str) -> str:
    """The end of a path: pictures are for others, whom the author's folders do not concern."""
    return "/".join(re.split(r"[/\\]", place)[-3:])


def _estimate(node: SampledNode) -> str:
    """The tooltip of a sampled function."""
    lines = (
        node.name,
        _short(place_of(node.function)),
        f"sampled in {node.inside.node.name}: {node.share} of its self time, "
        f"from {node.samples:,} of {counted(node.inside.samples, 'sample')}",
        f"about {duration(node.total_ns)}, of which {duration(node.own_ns)} in itself",
    )
    return "\n".join(filter(None, lines))
