"""A sampler that knows the truth: a program calls it, and it notes the stack and the span it is in."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, List, Optional, Tuple

from opentelemetry import trace as otel

from nutrace.sampling.join import join
from nutrace.sampling.stacks import Function, Stacks
from nutrace.trace.sampled import NO_GROUP, SPAN
from nutrace.trace.trace import Trace

_KEY = "witness.{}"


class Witness:
    """Call it where a sample is to be taken."""

    def __init__(self) -> None:
        self.stacks: List[List[Function]] = []

    def __call__(self, *_: Any) -> Any:
        otel.get_current_span().set_attribute(_KEY.format(len(self.stacks)), True)
        stack: List[Function] = []
        frame: Optional[FrameType] = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name)
            stack.append((name, code.co_filename, code.co_firstlineno))
            frame = frame.f_back
        self.stacks.append(stack[::-1])
        return _[0] if _ else None

    def joined(self, trace: Trace, number: int) -> Tuple[str, str, List[str]]:
        """The name of the span that was current, those with the sample, and the functions below them."""
        stacks = Stacks()
        stacks.add(self.stacks[number], 1)
        sampled = join(trace, [(stacks, None)]).sampled
        assert sampled is not None
        here = [span for span in range(len(trace)) if _KEY.format(number) in trace.attributes(span)]
        with_sample = {span for span, group in enumerate(sampled.group_of) if group != NO_GROUP}
        if not with_sample:
            return trace.name[here[0]] if here else "", "", []
        (group,) = sampled.groups
        functions = [sampled.functions[function].name.rpartition(".")[2] for function in group.function]
        assert sum(group.count) + group.own == 1
        assert list(group.parent) == list(range(SPAN, len(functions) - 1))
        (there,) = here
        if there in with_sample:
            return trace.name[there], trace.name[there], functions
        return trace.name[there], "/".join(sorted({trace.name[span] for span in with_sample})), functions
