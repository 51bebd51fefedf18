"""What ``nutrace report --tree`` prints: the tree as text, or all of it as a JSON document."""

from __future__ import annotations

import sys
from typing import Any, Dict, List, NamedTuple, Sequence

from nutrace.analysis.steps import times_of_steps
from nutrace.cli.correction_text import correction_line
from nutrace.cli.fitting import columns_of, shortened_apart
from nutrace.cli.json_output import per_step
from nutrace.cli.report_style import Style, column, ms, percent
from nutrace.cli.tones import Tone
from nutrace.cli.units import unit_of
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace_exporters.calltree import Node, SampledNode, heaviest_first
from nutrace_exporters.steptree import LEAST_SHARE, Cut, Limits, Line, StepTree, cut

_SAMPLED = "~"
_LEAST_NAME = 16  # columns of a name, however deep it is
_WIDE = 72  # columns from which a terminal has space for calls, and for bars
_BAR = 10


def as_text(tree: StepTree, trace: Trace, style: Style, *, limit: int) -> str:
    """The tree for people.

    Parameters
    ----------
    trace:
        What the tree is of.
    limit:
        The number of lines of each part, 0 for all.
    """
    inside, beside = (cut(part, tree.whole_ns, Limits(limit)) for part in (tree.inside, tree.beside))
    sections = [style.title(_title(tree, trace)), _block(inside, tree, style)]
    if beside.lines:
        sections.append(style.heading(tree.beside_heading))
        sections.append(_block(beside, tree, style))
    sections += [
        *(style.text(line) for line in remarks((inside, beside), tree.steps, "--limit 0 shows all.")),
        style.text(correction_line(trace)),
    ]
    return "\n\n".join(section for section in sections if section)


def _title(tree: StepTree, trace: Trace) -> str:
    selected = f" ({printable(trace.selection, LINE)})" if trace.selection else ""
    name = printable(trace.path, LINE)
    if not tree.steps:
        return f"{name}{selected}: no finished steps, so this is all of it, {ms(tree.whole_ns)} ms"
    times = times_of_steps(trace, trace.finished_steps, 0)
    took = f"a step takes {ms(times.mean_ns)} ms, the mean of {tree.steps:,}"
    if tree.steps == 1:
        took = f"the step took {ms(times.mean_ns)} ms"
    factor = "" if times.realtime_factor is None else f"; real-time factor {times.realtime_factor:.2f}x"
    return f"{name}{selected}: {took}{factor}"


def _block(part: Cut, tree: StepTree, style: Style) -> str:
    lines = "\n".join(table(part, tree, style))
    return f"```\n{lines}\n```" if style.markdown else lines


def table(part: Cut, tree: StepTree, style: Style) -> List[str]:
    """The lines of a part: numbers first, so that names may be as long as they are."""
    steps, whole_ns = tree.steps or 1, tree.whole_ns
    unit = unit_of(_total_ns(line) / steps for line in part.lines)
    own_ns = [line.node.self_ns if line.node else 0 for line in part.lines]
    times = column([each / steps for each in (*map(_total_ns, part.lines), *own_ns)], unit)
    totals, selfs = times[: len(own_ns)], times[len(own_ns) :]
    rows = [["share", f"total {unit.name}", f"self {unit.name}", "calls"]]
    for line, total, own in zip(part.lines, totals, selfs):
        node, share = line.node, percent(_total_ns(line), whole_ns)
        if node is None:
            rows.append([share, total, "", ""])
        elif isinstance(node, SampledNode):
            rows.append([_SAMPLED + share, _SAMPLED + total, _SAMPLED + own, ""])
        else:
            calls = node.calls / steps
            rows.append([share, total, own, f"{calls:,.1f}" if tree.steps else f"{node.calls:,}"])
    wide = style.width is None or style.width >= _WIDE
    if not wide:
        rows = [row[:-1] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*rows)]
    head, *numbers = ("  ".join(cell.rjust(size) for cell, size in zip(row, widths)) for row in rows)
    draw = _Branches.of_output()
    names = [_Name.of(line, draw) for line in part.lines]
    room, bar = style.width, 0
    if room is not None:
        room -= len(head) + 2
        if wide and all(name.columns <= room - _BAR - 2 for name in names):  # a name is worth more than a bar
            room, bar = room - _BAR - 2, _BAR
        names = _fitted(part.lines, names, room, style, draw)
    lines = [style.parts([(f"{head}{' ' * (bar + 2 if bar else 0)}  span", Tone.QUIET)])]
    for line, name, cells in zip(part.lines, names, numbers):
        component = "other" if line.node is None else line.node.component
        part_of_all = _total_ns(line) / whole_ns if whole_ns else 0.0
        drawn = style.of_component("  " + style.bar(part_of_all, bar), component) if bar else ""
        if style.colours and not bar and line.node is not None:
            label = style.of_component(name.text, component)
        else:
            label = style.parts([(name.text, Tone.PLAIN if line.node else Tone.QUIET)])
        # A style leaves out blanks at the end.
        branches = style.parts([(name.branches.rstrip(), Tone.QUIET)]) + name.branches[-1:]
        lines.append(f"{cells}{drawn}  {branches}{label}".rstrip())
    return lines


def _total_ns(line: Line) -> int:
    return line.hidden_ns if line.node is None else line.node.total_ns


class _Branches(NamedTuple):
    """What the lines of a tree are drawn with."""

    down: str
    last: str
    other: str
    cut: str

    @classmethod
    def of_output(cls) -> _Branches:
        """Such as standard output can show."""
        lines = cls("│  ", "└─ ", "├─ ", "…")
        try:
            "".join(lines).encode(sys.stdout.encoding or "utf-8")  # None: it takes any text
        except (UnicodeError, LookupError):
            return cls("|  ", "`- ", "|- ", "...")
        return lines


class _Name(NamedTuple):
    """A span's name, and the lines of the tree before it."""

    branches: str
    text: str

    @property
    def columns(self) -> int:
        return len(self.branches) + columns_of(self.text)

    @classmethod
    def of(cls, line: Line, draw: _Branches) -> _Name:
        """In full length."""
        branches = "".join("   " if last else draw.down for last in line.last[:-1])
        if line.last:
            branches += draw.last if line.last[-1] else draw.other
        node = line.node
        return cls(branches, f"{draw.cut} {line.hidden:,} more" if node is None else _label(node))


def _fitted(
    lines: Sequence[Line], names: Sequence[_Name], room: int, style: Style, draw: _Branches
) -> List[_Name]:
    """The names, and the lines of the tree before them, cut to the room that there is; siblings differ."""
    siblings: Dict[int, List[int]] = {}  # by the line above, -1 if there is none
    path: List[int] = []
    for at, line in enumerate(lines):
        del path[len(line.last) :]
        siblings.setdefault(path[-1] if path else -1, []).append(at)
        path.append(at)
    fitted = list(names)
    for group in siblings.values():
        if all(names[at].columns <= room for at in group):
            continue
        branches, texts = names[group[0]].branches, [names[at].text for at in group]
        least = min(max(map(columns_of, texts)), _LEAST_NAME)
        kept = min(len(branches), max(room - least - len(draw.cut), len(draw.last)))
        is_cut = len(branches) > room - least
        space = max(room - (kept + len(draw.cut) if is_cut else len(branches)), _LEAST_NAME)
        if style.colours:
            texts = _without_components([lines[at] for at in group], texts, space)
        for at, text in zip(group, shortened_apart(texts, space, draw.cut)):
            branches = names[at].branches
            fitted[at] = _Name(draw.cut + branches[-kept:] if is_cut else branches, text)
    return fitted


def _without_components(lines: Sequence[Line], texts: Sequence[str], space: int) -> List[str]:
    """The texts, where they have no space without the component in front, which their colour says too."""
    short = list(texts)
    for at, line in enumerate(lines):
        prefix = f"{line.node.component}." if line.node is not None else ""
        if prefix and columns_of(texts[at]) > space and texts[at].startswith(prefix):
            rest = texts[at][len(prefix) :]
            short[at] = rest if rest and rest not in short else texts[at]
    return short


def _label(node: Node) -> str:
    name = printable(node.name, LINE)
    return f"{_SAMPLED}{name}" if isinstance(node, SampledNode) else name


def remarks(parts: Sequence[Cut], steps: int, more: str) -> List[str]:
    """Sentences on what the lines of some parts do not say; `more` says how to see more."""
    left_out_ns = sum(part.left_out_ns for part in parts)
    lines = []
    if left_out_ns:
        lines.append(
            f"Left out, as less than {100 * LEAST_SHARE:g} % of {'a step' if steps else 'it all'} each: "
            f"{ms(left_out_ns / (steps or 1))} ms. {more}"
        )
    if any(isinstance(line.node, SampledNode) for part in parts for line in part.lines):
        lines.append(f"{_SAMPLED} was seen by a sampler: an estimated part of the self time above it.")
    return lines


def as_json(tree: StepTree) -> Dict[str, Any]:
    """All of the tree, parents before their children; what was ``sampled`` has a part of the self time above.

    Times and calls are sums over the steps. ``share`` is of their time.
    """
    return {
        "steps": {"count": tree.steps, "mean_ms": per_step(tree.whole_ns / 1e6, tree.steps)},
        "tree": _paths(tree.inside, tree),
        "beside_steps": _paths(tree.beside, tree),
    }


def _paths(roots: Sequence[Node], tree: StepTree) -> List[Dict[str, Any]]:
    top = Node("", "other")
    top.children.update(enumerate(roots))
    return [
        {
            "depth": depth,
            "span": node.name,
            "component": node.component,
            "sampled": isinstance(node, SampledNode),
            "calls": None if isinstance(node, SampledNode) else node.calls,
            "total_ms": node.total_ns / 1e6,
            "self_ms": node.self_ns / 1e6,
            "total_ms_per_step": per_step(node.total_ns / 1e6, tree.steps),
            "self_ms_per_step": per_step(node.self_ns / 1e6, tree.steps),
            "share": node.total_ns / tree.whole_ns if tree.whole_ns else 0.0,
        }
        for depth, node in heaviest_first(top)
    ]
