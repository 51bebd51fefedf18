"""The merged call tree with its sampled functions as stacks of frames with weights, for speedscope."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from nutrace.trace import Trace
from nutrace_exporters.calltree import Node, SampledNode, heaviest_first, merge
from nutrace_exporters.collapsed import MOST_FRAMES
from nutrace_exporters.frames import Frame
from nutrace_exporters.labels import value

#: Name, file and line of a frame; empty or 0 where unknown.
FrameKey = Tuple[str, str, int]
#: Numbers of frames, the outermost first, and ns.
WeighedStack = Tuple[List[int], int]


def merged_stacks(
    trace: Trace, of_spans: Sequence[Frame], numbers: Dict[FrameKey, int], samples: bool = True
) -> Tuple[List[WeighedStack], bool]:
    """The stacks of a trace, the heaviest first at each level, and whether there are sampled functions.

    Parameters
    ----------
    of_spans:
        The frames of the trace's spans: a span's place is that of its name, if all spans of this name have
        the same.
    numbers:
        The numbers of all frames so far; new ones are added.
    samples:
        Whether to look for sampled functions.
    """
    places: Dict[str, FrameKey] = {}
    for frame in of_spans:
        key = (frame.name, frame.file, frame.line)
        places[frame.name] = key if places.get(frame.name, key) == key else (frame.name, "", 0)
    stacks: List[WeighedStack] = []
    stack: List[int] = []
    sampled = False
    for depth, node in heaviest_first(merge(trace, samples)):
        if depth > MOST_FRAMES:
            continue
        del stack[depth:]
        key = _key(node, places) if depth < MOST_FRAMES else ("(deeper)", "", 0)
        stack.append(numbers.setdefault(key, len(numbers)))
        own_ns = node.own_ns if depth < MOST_FRAMES else node.total_ns
        if own_ns:
            stacks.append((stack[:], own_ns))
        sampled = sampled or isinstance(node, SampledNode)
    return stacks, sampled


def _key(node: Node, places: Dict[str, FrameKey]) -> FrameKey:
    if isinstance(node, SampledNode):
        seen = node.function
        return (node.marked_name, value(seen.file), seen.line) if seen else (node.name, "", 0)
    return places.get(node.name, (node.name, "", 0))
