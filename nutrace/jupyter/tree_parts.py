"""What a call tree says, as words and as HTML: its title, its parts, and what of these has a row."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Iterator, NamedTuple, Tuple

from nutrace.analysis.steps import times_of_steps
from nutrace.jupyter.figures import duration
from nutrace_exporters.calltree import Node
from nutrace_exporters.labels import counted, label
from nutrace_exporters.steptree import Limits

if TYPE_CHECKING:
    from nutrace.jupyter.tree import Tree

_MS = 1e6
_LONGEST = 160


class Part(NamedTuple):
    """A part of a tree.

    Attributes
    ----------
    heading:
        Where its spans ran; "" for the first.
    roots:
        The outermost, the one with most time first.
    whole_ns:
        The time of which shares are parts.
    steps:
        The number of steps of which the mean is shown; 0 where sums are.
    """

    heading: str
    roots: Tuple[Node, ...]
    whole_ns: int
    steps: int

    @property
    def divisor(self) -> int:
        """What calls and times are divided by."""
        return self.steps or 1

    @property
    def took_ns(self) -> float:
        """What its spans take: of the mean step, where that is shown."""
        return sum(node.total_ns for node in self.roots) / self.divisor


def title_of(tree: Tree) -> str:
    """What the tree is of."""
    name = label(os.path.basename(tree.trace.path) or "trace", _LONGEST)
    selection = tree.trace.selection
    return f"{label(selection, _LONGEST)} of {name}" if selection else name


def takes(tree: Tree) -> str:
    """What a step takes, or all of it, in words."""
    trace, steps = tree.trace, tree.tree.steps
    if not steps:
        return f"{duration(tree.tree.whole_ns)} in {counted(len(trace), 'span')}"
    mean = duration(times_of_steps(trace, trace.finished_steps, 0).mean_ns)
    return f"the step took {mean}" if steps == 1 else f"a step takes {mean}, the mean of {steps:,}"


def parts_of(tree: Tree) -> Iterator[Part]:
    """Its parts that have spans: the steps, what ran beside them, what is outside."""
    merged = tree.tree
    yield Part("", merged.inside, merged.whole_ns, merged.steps)
    if merged.beside:
        yield Part(merged.beside_heading, merged.beside, merged.whole_ns, merged.steps)
    if merged.outside:
        whole_ns = sum(node.total_ns for node in merged.outside)
        yield Part("Outside the steps, whose time is left out", merged.outside, whole_ns, 0)


def is_chosen(tree: Tree) -> bool:
    """Whether the user says what is to be shown."""
    return tree.depth is not None or tree.at_least_ms > 0


def limits(tree: Tree, part: Part, most: int, least_share: float) -> Limits:
    """What has a row: the `most` with at least this share, or whatever the user says is to be shown."""
    if not is_chosen(tree):
        return Limits(most, least_share)
    least_ns = tree.at_least_ms * _MS * part.divisor
    return Limits(most, 0.0, least_ns, math.inf if tree.depth is None else tree.depth)
