"""A sampler that knows the truth: a program calls it, and it notes the stack and the span it is in."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, List, Optional, Tuple

from opentelemetry import trace as otel

from nutrace.sampling.join import join
from nutrace.sampling.stacks import Function, Stacks
from nutrace.trace.sampled import NO_GROUP, SPAN, Sampled
from nutrace.trace.trace import Trace

_KEY = "witness.{}"


class Witness:
    """Call it where a sample is to be taken; it returns what it is given."""

    def __init__(self) -> None:
        self.stacks: List[List[Function]] = []

    def __call__(self, value: Any = None) -> Any:
        otel.get_current_span().set_attribute(_KEY.format(len(self.stacks)), True)
        self.stacks.append(self.stack_of_caller(2))
        return value

    @staticmethod
    def stack_of_caller(depth: int = 1) -> List[Function]:
        """The stack of whoever calls this, outermost first, as a sampler sees it."""
        stack: List[Function] = []
        frame: Optional[FrameType] = sys._getframe(depth)
        while frame is not None:
            code = frame.f_code
            stack.append((getattr(code, "co_qualname", code.co_name), code.co_filename, code.co_firstlineno))
            frame = frame.f_back
        return stack[::-1]

    def spans_with_sample(self, trace: Trace) -> List[int]:
        """For each sample the only span it is placed in."""
        result = []
        for number in range(len(self.stacks)):
            (span,) = _spans(self._sampled(trace, number))
            result.append(span)
        return result

    def joined(self, trace: Trace) -> List[Tuple[str, str, List[str]]]:
        """For each sample: the span that was current, those it is placed in, and the functions below them."""
        return [self._joined(trace, number) for number in range(len(self.stacks))]

    def _sampled(self, trace: Trace, number: int) -> Sampled:
        stacks = Stacks()
        stacks.add(self.stacks[number], 1)
        sampled = join(trace, [(stacks, None)]).sampled
        assert sampled is not None
        return sampled

    def _joined(self, trace: Trace, number: int) -> Tuple[str, str, List[str]]:
        here = [span for span in range(len(trace)) if _KEY.format(number) in trace.attributes(span)]
        there = trace.name[here[0]] if here else ""
        sampled = self._sampled(trace, number)
        spans = _spans(sampled)
        if not spans:
            assert sampled.placed == 0
            return there, "", []
        (group,) = sampled.groups
        assert sum(group.count) + group.own == 1
        functions = [sampled.functions[function].name.rpartition(".")[2] for function in group.function]
        assert list(group.parent) == list(range(SPAN, len(functions) - 1))
        if here and here[0] in spans and trace.name[here[0]] in ("block", "step", "manager"):
            return there, there, functions  # a block, in the group of the function around it
        return there, "/".join(sorted({trace.name[span] for span in spans})), functions


def _spans(sampled: Sampled) -> List[int]:
    return [span for span, group in enumerate(sampled.group_of) if group != NO_GROUP]
