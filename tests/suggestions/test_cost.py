"""The predicted cost of probes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.otlp import RESOURCE, trace_of

from nutrace.suggestions.cost import price, unit_ns
from nutrace.suggestions.counting import Counted, Counts


def test_the_run_says_what_a_call_takes(tmp_path: Path) -> None:
    """A thousand calls became two spans: 1,000 calls and eight to write them."""
    resource = {**RESOURCE, "nutrace.overhead.estimated_ns": 2_016_000, "nutrace.spans.recorded": 1000}
    trace = trace_of(tmp_path, ("a", 0, 1), ("b", 1, 2), resource=resource)
    assert unit_ns(trace) == pytest.approx(2000)
    assert unit_ns(trace_of(tmp_path, ("a", 0, 1))) is None


def _counts(steps: int = 10) -> Counts:
    return Counts(0, False, False, None, steps, 10_000_000, {})


def test_calls_and_spans_cost() -> None:
    counted = Counted(calls=1000, yielded=0, records=50, busy_ns=5_000_000)
    one = price(counted, _counts(), 1000, 0, 0)
    # Ten steps of a millisecond; between other work a call takes twice as long as in a loop.
    assert (one.calls, one.cost_ns) == (100, 100 * 2000 + 5 * 4000)
    assert (one.of_function, one.of_step) == (0.4, 0.22)


def test_the_shorter_times_count() -> None:
    """The run that counts may be slowed down by its probes, or by other programs."""
    counted = Counted(calls=1000, yielded=0, records=50, busy_ns=5_000_000)
    one = price(counted, _counts(), 1000, 250_000, 500_000)
    assert (one.of_function, one.of_step) == (0.8, 0.44)


def test_generators_cost_at_each_value() -> None:
    counted = Counted(calls=10, yielded=1000, records=10, busy_ns=5_000_000)
    assert price(counted, _counts(), 1000, 0, 0).cost_ns == pytest.approx((10 + 700) * 200 + 10 * 400)


def test_without_steps_it_is_of_the_run() -> None:
    counted = Counted(calls=100, yielded=0, records=100, busy_ns=0)
    one = price(counted, _counts(0), 1000, 0, 0)
    assert (one.calls, one.cost_ns, one.of_function, one.of_step) == (100, 600_000, 0.0, 0.06)
