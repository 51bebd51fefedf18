"""Read stacks that samplers write as text: a stack a line, outermost first, and a number."""

from __future__ import annotations

import re
from typing import List

from nutrace.sampling.stacks import Function, Stacks

_PY_SPY = re.compile(r"(.*?) \((.*?)(?::(\d+))?\)\Z")


def read_lines(text: str) -> Stacks:
    """Stacks of py-spy's raw format."""
    stacks = Stacks(sampler="py-spy")
    for line in text.splitlines():
        frames, _, number = line.rpartition(" ")
        if not number.isdecimal():
            continue
        stack: List[Function] = []
        for frame in frames.split(";"):
            match = _PY_SPY.match(frame)
            if match:
                stack.append((match.group(1), match.group(2), int(match.group(3) or 0)))
            elif frame:
                stack.append((frame, "", 0))
        stacks.add(stack, int(number))
    return stacks
