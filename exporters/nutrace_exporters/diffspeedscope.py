"""Two profiles in one speedscope file, the base and the new side, merged, with weights per step.

The middle of speedscope's title bar lists the profiles. A frame has no line, so that speedscope gives it the
same colour on both sides.
"""

from __future__ import annotations

from typing import BinaryIO, Dict, List

from nutrace_exporters.collapsed import MOST_FRAMES
from nutrace_exporters.difference import Difference
from nutrace_exporters.difftree import BASE, BESIDE, NEW, OUTSIDE, SIDES
from nutrace_exporters.labels import label
from nutrace_exporters.mergedstacks import FrameKey, WeighedStack
from nutrace_exporters.speedscope import Options, write_end, write_head, write_stacks

#: The outermost frame of what ran beside the steps on other threads.
BESIDE_STEPS = "(beside the steps)"


def export(difference: Difference, out: BinaryIO, options: Options) -> None:
    """Write both sides; speedscope first shows the new one.

    If there are steps, only what is in them is written: a profile is as long as a step is on average.
    """
    frames: Dict[FrameKey, int] = {}
    profiles = [_stacks(difference, side, frames) for side in SIDES]
    write_head(out, frames)
    unit = "step" if difference.tree.per_step else "run"
    for side, stacks in enumerate(profiles):
        name = f"{difference.words[side]}: {difference.sides[side].name} (merged, time per {unit})"
        write_stacks(out, label(name), stacks)
        out.write(b"," if side != NEW else b"")
    title = options.name or f"{difference.sides[NEW].name} against {difference.sides[BASE].name}"
    write_end(out, f"{title} ({difference.times})" if difference.times else title, NEW)


def _stacks(difference: Difference, side: int, frames: Dict[FrameKey, int]) -> List[WeighedStack]:
    tree = difference.tree
    unit = tree.units[side]
    stacks: List[WeighedStack] = []
    stack: List[int] = []
    begin = 0  # the depth of the outermost frame that is written
    sum_ns = given_ns = 0
    for depth, node in tree.heaviest_first():
        if tree.per_step and node.region == OUTSIDE:
            continue
        if node.parent is None or (tree.per_step and node.parent.region == OUTSIDE):
            begin = depth
            stack = [_number(frames, BESIDE_STEPS)] if tree.per_step and node.region == BESIDE else []
            begin -= len(stack)
        level = depth - begin
        if level > MOST_FRAMES:
            continue
        del stack[level:]
        stack.append(_number(frames, node.frame.name if level < MOST_FRAMES else "(deeper)"))
        # The sum is rounded, not each weight: all of them together are the time of a step.
        sum_ns += node.self_ns[side] if level < MOST_FRAMES else node.total_ns[side]
        weight = round(sum_ns / unit) - given_ns
        given_ns += weight
        if weight:
            stacks.append((stack[:], weight))
    return stacks


def _number(frames: Dict[FrameKey, int], name: str) -> int:
    return frames.setdefault((name, "", 0), len(frames))
