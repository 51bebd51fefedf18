"""Collapsed stacks: ``outer;inner;innermost 1234``, a line for each stack, microseconds of self time.

The format of Brendan Gregg's ``flamegraph.pl``; speedscope, inferno and Perfetto read it too. Functions that
were sampled inside spans are marked: ``outer;function ~sampled 1234``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, List

from nutrace.trace import Trace
from nutrace_exporters.calltree import SampledNode, merge, walk

_NS_PER_US = 1000
#: Frames in a line.
MOST_FRAMES = 1000


@dataclass(frozen=True)
class Options:
    """What to write.

    Parameters
    ----------
    samples:
        Whether to divide self times among the functions that were sampled inside spans.
    """

    samples: bool = True


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Write `trace` as collapsed stacks.

    Weights are whole microseconds, as readers expect. What rounding takes from one line is added to the
    next, so that the sum of weights is that of self times. Stacks without weight are left out. Of stacks
    with over :data:`MOST_FRAMES` frames the innermost ones are one frame, as each line has all of its stack.
    """
    stack: List[str] = []
    passed_ns = written_us = 0
    for depth, node in walk(merge(trace, options.samples)):
        if depth > MOST_FRAMES:
            continue
        del stack[depth:]
        name = node.marked_name if isinstance(node, SampledNode) else node.name
        stack.append(_escape(name) if depth < MOST_FRAMES else "(deeper)")
        own_ns = node.own_ns if depth < MOST_FRAMES else node.total_ns
        passed_ns += own_ns
        weight_us = (passed_ns + _NS_PER_US // 2) // _NS_PER_US - written_us
        if weight_us and own_ns:
            written_us += weight_us
            out.write(f"{';'.join(stack)} {weight_us}\n".encode())


def _escape(name: str) -> str:
    """A name without the characters that separate frames (semicolon) and stacks (line end)."""
    return " ".join(name.replace(";", ":").split()) or "(no name)"
