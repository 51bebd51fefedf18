"""A call tree as words, as ``nutrace report --tree`` prints it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nutrace.cli.report_style import Style
from nutrace.cli.step_tree_text import remarks, table
from nutrace.jupyter.figures import duration
from nutrace.jupyter.tree_parts import is_chosen, limits, parts_of, takes, title_of
from nutrace_exporters.steptree import LEAST_SHARE, LINES, cut

if TYPE_CHECKING:
    from nutrace.jupyter.tree import Tree

_MOST_CHOSEN = 200  # lines of a part, if the user says what is to be shown
_MORE = "tree(depth=...) and tree(at_least_ms=...) show more."


def as_text(tree: Tree) -> str:
    """The lines with most time of each part, and what the others take together."""
    blocks = [f"{title_of(tree)}: {takes(tree)}"]
    most = _MOST_CHOSEN if is_chosen(tree) else LINES
    for part in parts_of(tree):
        shown = cut(part.roots, part.whole_ns, limits(tree, part, most, LEAST_SHARE))
        lines = table(shown, replace(tree.tree, steps=part.steps, whole_ns=part.whole_ns), Style())
        if part.heading:
            lines.insert(0, f"{part.heading}: {duration(part.took_ns)}")
        blocks.append("\n".join([*lines, *remarks([shown], part.steps, _MORE)]))
    return "\n\n".join(blocks)
