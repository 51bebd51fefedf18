"""A static flamegraph of the merged stacks of all threads, for a README or a pull request.

One SVG without scripts or outside references, for light and dark. Tooltips have the full name, calls and
times. Functions that were sampled inside spans are hatched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Dict, Iterable, Iterator, List, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from nutrace import semconv
from nutrace.trace import Trace
from nutrace_exporters.calltree import Node, SampledNode, merge, walk
from nutrace_exporters.fitting import fitted
from nutrace_exporters.insidetree import origin, place_of
from nutrace_exporters.labels import counted, duration, label
from nutrace_exporters.runfacts import title_of
from nutrace_exporters.svghead import (
    AUTO,
    MARGIN,
    TEXT_PX,
    hatching,
    hatching_id,
    head,
    key,
    percent,
    style,
)

_ROW = 18
_SPACE = 7
#: Boxes narrower than this (px) have a gap before them in the place of an outline.
_NARROW = 8.0
#: Sampled functions that would be narrower (px) are joined: such a box would stand for too few samples.
_NARROWEST_SAMPLED = 2.0


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
    theme:
        Light, dark, or auto: as the reader's computer is set.
    """

    title: str = ""
    width: int = 1200
    min_px: float = 1.0
    max_depth: int = 100
    samples: bool = True
    theme: str = AUTO


class _Box(NamedTuple):
    """A bar; `steps` is how many steps it holds the time of, 0 outside."""

    x: float
    width: float
    depth: int
    node: Node
    steps: int
    sampled: bool = False


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Draw `trace` with all equal stacks merged, whatever thread they ran on, widest first."""
    top = merge(trace, options.samples, by_thread=False)
    # The bar of all steps holds the time of unfinished ones too: then no time is that of a step.
    unfinished = any(map(trace.unfinished, trace.step_indices))
    boxes = list(_place(top, options, "" if unfinished else semconv.STEP_SPAN))
    widest_first = sorted((box for box in boxes if box.sampled), key=lambda box: -box.width)
    hatched = list(dict.fromkeys(key(box.node.component) for box in widest_first))
    samples = (hatched[0], origin(trace.sampled)) if trace.sampled and hatched else ("", "")
    deepest = max((depth for depth, _ in walk(top)), default=-1)
    remarks = []
    if deepest >= options.max_depth:
        remarks.append(f"{options.max_depth} of {deepest + 1:,} levels drawn")
    title = label(options.title or title_of(trace), 120)
    above, first_row = head(trace, title, options.width, remarks, samples)
    rows = max((box.depth for box in boxes), default=-1) + 1
    height = first_row + rows * _ROW + MARGIN
    name = quoteattr(f"Flamegraph of {title}")
    coloured = sorted({key(component) for component in (*trace.component, "other")})
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {options.width} {height}" '
        f'width="{options.width}" height="{height}" role="img" aria-label={name}>',
        f"<style>{style(coloured, options.theme)}</style>",
        '<rect class="g" width="100%" height="100%"/>',
        *map(hatching, hatched),
        *above,
        '<g class="b">',
    ]
    lines.extend(_draw(box, first_row, top.total_ns) for box in boxes)
    lines.append("</g>\n</svg>\n")
    out.write("\n".join(lines).encode())


def _place(top: Node, options: Options, step: str) -> Iterator[_Box]:
    if not top.total_ns:
        return
    scale = (options.width - 2 * MARGIN) / top.total_ns
    stack = [(top, float(MARGIN), 0, 0)]
    while stack:
        parent, x, depth, steps = stack.pop()
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
            inside = steps or (node.calls if node.name == step else 0)
            yield _Box(x, width, depth, node, inside, isinstance(node, SampledNode))
            stack.append((node, x, depth + 1, inside))
            x += width
        total = sum(narrow.values())
        if narrow and total >= options.min_px:
            yield _Box(x, total, depth, _sum(list(narrow)), steps, _are_sampled(narrow) == len(narrow))


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


def _draw(box: _Box, first_row: int, all_ns: int) -> str:
    node = box.node
    y = first_row + box.depth * _ROW
    per_step = f"{duration(node.total_ns / box.steps)} per step" if box.steps > 1 else ""
    component = key(node.component)
    # The outlines of neighbours lie on each other.
    place = f'x="{_number(box.x)}" y="{y}" width="{_number(box.width)}" height="{_ROW}"'
    if box.width < _NARROW:
        gap = min(1.0, box.width / 4)
        left, width = _number(box.x + gap), _number(box.width - gap)
        place = f'class="n" x="{left}" y="{y + 1}" width="{width}" height="{_ROW - 1}"'
    fill = f' fill="url(#{hatching_id(component)})"' if box.sampled else ""
    return (
        f'<g class="{component}"><title>{escape(_tip(box, all_ns, per_step))}</title>'
        f"<rect {place}{fill}/>{_text(box, y, all_ns, per_step)}</g>"
    )


def _number(px: float) -> str:
    return f"{px:.2f}".rstrip("0").rstrip(".")


def _text(box: _Box, y: int, all_ns: int, per_step: str) -> str:
    """The name, and behind it the share and the time, as far as there is room."""
    node = box.node
    share = ("≈ " if box.sampled else "") + percent(node.total_ns / all_ns)
    details = (f"{share} · {per_step or duration(node.total_ns)}", share)
    shown, detail = fitted(node.name, node.component, details, box.width - 8, TEXT_PX, _SPACE)
    behind = f'<tspan class="s" dx="{_SPACE}">{detail}</tspan>' if detail else ""
    text = f'<text x="{_number(box.x + 4)}" y="{y + 13}">{escape(shown)}{behind}</text>'
    return text if shown else ""


def _tip(box: _Box, all_ns: int, per_step: str) -> str:
    """What is shown while the pointer is on the bar, if the picture is opened by itself."""
    node = box.node
    if isinstance(node, SampledNode):
        tip = _estimate(node)
    else:
        calls = "" if box.sampled else f"\n{node.component} · {counted(node.calls, 'call')}"
        own = "estimated from samples" if box.sampled else f"self {duration(node.self_ns)}"
        share = 100 * node.total_ns / all_ns
        tip = f"{node.name}{calls}\ntotal {duration(node.total_ns)} ({share:.1f} %), {own}"
    about = "about " if box.sampled else ""
    return f"{tip}\n{about}{per_step}" if per_step else tip


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
