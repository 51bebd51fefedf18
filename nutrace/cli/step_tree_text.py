"""What ``nutrace report --tree`` prints: the tree as text, or all of it as a JSON document."""

from __future__ import annotations

import shutil
import sys
from typing import Any, Dict, List, Optional, Sequence

from nutrace.analysis.steps import times_of_steps
from nutrace.cli.correction_text import correction_line
from nutrace.cli.json_output import per_step
from nutrace.cli.report_style import column, ms, percent
from nutrace.cli.step_tree import LEAST_SHARE, Cut, Line, StepTree, cut
from nutrace.cli.units import MS
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace_exporters.calltree import Node, SampledNode, heaviest_first

_SAMPLED = "~"
_LEAST_NAME = 16  # columns of a name, however deep it is


def as_text(tree: StepTree, trace: Trace, *, limit: int, markdown: bool = False) -> str:
    """The tree for people.

    Parameters
    ----------
    trace:
        What the tree is of.
    limit:
        The number of lines of each part, 0 for all.
    """
    width = None if markdown or not sys.stdout.isatty() else shutil.get_terminal_size().columns
    inside, beside = cut(tree.inside, tree.whole_ns, limit), cut(tree.beside, tree.whole_ns, limit)
    lines = [_head(tree, trace), "", *_table(inside, tree, width)]
    if beside.lines:
        lines += ["", "Started in the steps, and ran beside them: on other threads, or as concurrent tasks"]
        lines += _table(beside, tree, width)
    lines += _remarks(tree, inside, beside)
    text = "\n".join(lines)
    below = correction_line(trace)
    if markdown:
        text = f"```\n{text}\n```"
    return f"{text}\n\n{below}" if below else text


def _head(tree: StepTree, trace: Trace) -> str:
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


def _table(part: Cut, tree: StepTree, width: Optional[int]) -> List[str]:
    steps, whole_ns = tree.steps or 1, tree.whole_ns
    totals = column([_total_ns(line) / steps for line in part.lines], MS)
    selfs = column([line.node.self_ns / steps if line.node else 0 for line in part.lines], MS)
    rows = [["share", "total ms", "self ms", "calls"]]
    for line, total, own in zip(part.lines, totals, selfs):
        node, share = line.node, percent(_total_ns(line), whole_ns)
        if node is None:
            rows.append([share, total, "", ""])
        elif isinstance(node, SampledNode):
            rows.append([_SAMPLED + share, _SAMPLED + total, _SAMPLED + own, ""])
        else:
            calls = node.calls / steps
            rows.append([share, total, own, f"{calls:,.1f}" if tree.steps else f"{node.calls:,}"])
    widths = [max(map(len, cells)) for cells in zip(*rows)]
    numbers = ["  ".join(cell.rjust(size) for cell, size in zip(row, widths)) for row in rows]
    room = None if width is None else width - len(numbers[0]) - 2
    names = ["span", *(_name(line, room) for line in part.lines)]
    return [f"{number}  {name}" for number, name in zip(numbers, names)]


def _total_ns(line: Line) -> int:
    return line.hidden_ns if line.node is None else line.node.total_ns


def _name(line: Line, room: Optional[int]) -> str:
    """The name behind the lines of the tree, both cut to the room that there is."""
    text = f"… {line.hidden:,} more" if line.node is None else _label(line.node)
    branches = "".join("   " if last else "│  " for last in line.last[:-1])
    if line.last:
        branches += "└─ " if line.last[-1] else "├─ "
    if room is not None:
        least = min(len(text), _LEAST_NAME)
        if len(branches) > max(room - least, 0):
            branches = "…" + branches[-max(room - least - 1, 3) :]
        text = printable(text, max(room - len(branches), _LEAST_NAME))
    return branches + text


def _label(node: Node) -> str:
    return f"{_SAMPLED}{node.name}" if isinstance(node, SampledNode) else node.name


def _remarks(tree: StepTree, *parts: Cut) -> List[str]:
    left_out_ns = sum(part.left_out_ns for part in parts)
    sampled = any(isinstance(line.node, SampledNode) for part in parts for line in part.lines)
    lines = []
    if left_out_ns:
        whole = "a step" if tree.steps else "it all"
        lines.append(
            f"Left out, as less than {100 * LEAST_SHARE:g} % of {whole} each: "
            f"{ms(left_out_ns / (tree.steps or 1))} ms; --limit 0 shows all."
        )
    if sampled:
        lines.append(f"{_SAMPLED} was seen by a sampler: an estimated part of the self time above it.")
    return ["", *lines] if lines else []


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
