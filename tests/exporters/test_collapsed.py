from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Callable, Dict

from fakes.otlp import trace_of
from hypothesis import given, settings
from made_up import sampled_traces

from nutrace.trace import Trace
from nutrace_exporters import collapsed


def stacks(text: str) -> Dict[str, int]:
    result: Dict[str, int] = {}
    for line in text.split("\n")[:-1]:
        match = re.fullmatch(r"([^\n]+) (\d+)", line)
        assert match, line
        result[match[1]] = result.get(match[1], 0) + int(match[2])
    return result


def test_equal_stacks_are_one_line(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    step = ("step", 0, 10, [("query", 2, 5)])
    trace = trace_of(tmp_path, step, ("step", 10, 20, [("query", 12, 16), ("plan", 16, 17)]))
    assert rendered(collapsed, trace).decode() == "step 12\nstep;query 7\nstep;plan 1\n"


def test_names_cannot_break_the_lines(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    trace = trace_of(tmp_path, ("a;b\nc", 0, 5, [("  ", 0, 2)]))
    assert stacks(rendered(collapsed, trace).decode()) == {"a:b c": 3, "a:b c;(no name)": 2}


@settings(max_examples=60, deadline=None)
@given(trace=sampled_traces())
def test_weights_sum_to_the_self_times(trace: Trace) -> None:
    out = io.BytesIO()
    collapsed.export(trace, out)
    total_us = sum(stacks(out.getvalue().decode()).values())
    # Half a microsecond may be left at the last stack, and stacks without weight are left out.
    assert abs(total_us * 1000 - sum(trace.self_ns)) <= 1000
