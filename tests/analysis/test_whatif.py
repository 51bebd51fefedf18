"""Times follow from others: by subtraction on one thread, along the longest way on several."""

from __future__ import annotations

import tempfile
import threading
import time
from array import array
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from exporters.made_up import traces
from fakes.otlp import priced, trace_of
from fakes.tracing import Tracing
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import nutrace
from nutrace import semconv
from nutrace.analysis import divide
from nutrace.analysis.whatif import Rescaling, parse_target, whatif
from nutrace.errors import UsageError
from nutrace.trace import Trace

C, STEP = semconv.COMPONENT, semconv.STEP_SPAN


def step(begin: float, end: float, *below: Any) -> Any:
    return (STEP, begin, end, list(below), {C: "simulation", semconv.STEP_INTERVAL_S: 0.1})


def span(
    name: str, begin: float, end: float, *below: Any, thread: int = 1, component: str = "planner"
) -> Any:
    return (name, begin, end, list(below), {C: component, "thread.id": thread})


def mean_us(trace: Trace, *changes: str) -> float:
    answer = whatif(trace, [parse_target(change) for change in changes])
    assert answer.stretch.mean_ns is not None
    return answer.stretch.mean_ns / 1000


def test_on_one_thread_what_is_saved_is_subtracted(tmp_path: Path) -> None:
    inner = span("query", 20, 50, component="database")
    trace = trace_of(tmp_path, step(0, 100, span("plan", 10, 70, inner)), step(200, 400))
    assert mean_us(trace, "planner=0.5") == (85 + 200) / 2  # 30 us of its own, without the query
    assert mean_us(trace, "span:plan=0.5") == (70 + 200) / 2  # 60 us with it
    assert mean_us(trace, "span:plan=0.5", "database=0") == (55 + 200) / 2
    assert mean_us(trace, "planner=2") == (130 + 200) / 2


def test_likely_is_six_tenths_of_a_saving_and_all_of_a_loss(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, step(0, 300_000, span("plan", 0, 200_000)))
    answer = whatif(trace, [parse_target("planner=50%")])
    assert (answer.now.mean_ns, answer.likely.mean_ns, answer.stretch.mean_ns) == (300e6, 240e6, 200e6)
    # 200 ms lie between the step and the 100 ms that it simulates.
    assert (answer.now.gap_closed, answer.likely.gap_closed, answer.stretch.gap_closed) == (
        0,
        pytest.approx(0.3),
        pytest.approx(0.5),
    )
    assert answer.stretch.realtime_factor == pytest.approx(2)
    slower = whatif(trace, [parse_target("planner=1.5")])
    assert slower.likely.mean_ns == slower.stretch.mean_ns == 400e6


def test_without_a_gap_none_is_closed(tmp_path: Path) -> None:
    assert whatif(trace_of(tmp_path, step(0, 300)), [parse_target("simulation=0")]).now.gap_closed is None


# The step begins two threads at 10 us and waits for both until 90 us.
BOTH = (span("long", 10, 90, thread=2), span("short", 10, 60, thread=3))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (("span:short=0",), 100),  # nobody waited for it
        (("span:long=0.5",), 70),  # the other one decides now
        (("span:long=0.75",), 80),
        (("span:long=0", "span:short=0"), 20),
        (("span:short=2",), 120),
        (("simulation=0",), 80),  # what the step does itself, before and after the wait
    ],
)
def test_the_longest_way_through_threads_decides(
    tmp_path: Path, changes: Sequence[str], expected: float
) -> None:
    assert mean_us(trace_of(tmp_path, step(0, 100, *BOTH)), *changes) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (("planner=1",), 98),
        (("span:long=0.5",), 68),
        (("span:long=0", "span:short=0"), 18),
        (("simulation=0",), 82),  # of the 18 us that the step has for itself, 2 are nutrace's
        (("span:called=0",), 96),
    ],
)
def test_the_longest_way_has_nothing_of_nutrace(
    tmp_path: Path, changes: Sequence[str], expected: float
) -> None:
    """The step waits as before: it runs from its start to its end, though less is its own."""
    tree = step(0, 100, *BOTH, span("called", 91, 92), span("called", 94, 95))
    trace = trace_of(tmp_path, tree, resource=priced(call=1000))
    assert mean_us(trace, *changes) == pytest.approx(expected)


def test_work_that_ends_while_the_step_works_is_not_waited_for(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        step(
            0, 100, span("beside", 5, 60, thread=2), span("plan", 20, 80), span("beside", 90, 150, thread=3)
        ),
    )
    assert mean_us(trace, "span:beside=0") == 100
    assert mean_us(trace, "span:plan=0") == 40


def test_a_wait_is_shorter_if_what_is_waited_for_begins_sooner(tmp_path: Path) -> None:
    # 30 us of planning, then a thread is begun, and the step plans on for 30 us before it waits.
    trace = trace_of(
        tmp_path,
        step(0, 100, span("plan", 0, 30), span("work", 30, 95, thread=2), span("plan", 30, 60)),
    )
    assert mean_us(trace, "span:plan=0.5") == pytest.approx(15 + 65 + 5)


def test_a_span_that_claims_no_time_may_lie_in_another(tmp_path: Path) -> None:
    idle = ("idle", 30, 30, {C: "database", semconv.BUSY_NS: 0})
    tree = step(0, 100, span("plan", 10, 60), idle, span("beside", 20, 150, thread=2))
    assert mean_us(trace_of(tmp_path, tree), "span:plan=1") == 100


def test_work_of_one_thread_follows_on_its_work_before(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, step(0, 100, span("first", 0, 50, thread=2), span("second", 50, 100, thread=2))
    )
    assert mean_us(trace, "span:first=0.5") == pytest.approx(75)


def test_work_that_waited_for_its_thread_waits_longer_for_it(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        step(0, 100, span("first", 0, 40, thread=2), span("plan", 0, 60), span("second", 40, 100, thread=2)),
    )
    assert mean_us(trace, "span:first=2") == pytest.approx(140)


def test_work_that_outlasts_the_span_that_began_it_is_waited_for_above(tmp_path: Path) -> None:
    submit = span("submit", 10, 12, span("work", 11, 90, thread=2))
    trace = trace_of(tmp_path, step(0, 100, submit))
    assert mean_us(trace, "span:work=0.5") == pytest.approx(100 - 39.5)


def test_a_generator_beside_others_keeps_the_time_outside_of_itself(tmp_path: Path) -> None:
    rows = ("rows", 10, 90, {C: "database", semconv.BUSY_NS: 30_000})
    trace = trace_of(tmp_path, step(0, 100, rows, span("beside", 20, 40, thread=2)))
    assert mean_us(trace, "database=0.5") == pytest.approx(85)
    # 50 us of its own, 30 of the generator, and 20 of waiting.
    assert mean_us(trace, "simulation=0.5") == pytest.approx(75)


def test_the_run_waits_for_its_processes(tmp_path: Path) -> None:
    one = ("simulation.run", 10, 60, [step(20, 40)], {C: "simulation", "thread.id": 2})
    other = ("simulation.run", 10, 90, [step(20, 80)], {C: "simulation", "thread.id": 3})
    trace = trace_of(tmp_path, ("worker.map", 0, 100, [one, other], {C: "worker"}), ("end", 100, 120))
    answer = whatif(trace, [parse_target("simulation=0.5")])
    assert answer.stretch.run_ns == pytest.approx(80_000)
    assert answer.stretch.mean_ns == pytest.approx(20_000)


# A reader trims 1 us off each of the 15 spans at most.
ROUNDING_NS = 15_000


@given(traces())
@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_if_nothing_changes_all_times_stay(trace: Trace) -> None:
    rescaling = Rescaling(trace, divide(trace))
    same = array("d", [1.0]) * len(trace)
    assert rescaling.run_ns(same) == pytest.approx(trace.finish_ns - trace.begin_ns, abs=ROUNDING_NS)
    for root, cost in enumerate(rescaling._costs(0, len(trace), same)):
        assert cost == pytest.approx(trace.busy_ns[root], abs=ROUNDING_NS)


@given(traces(), st.lists(st.floats(0, 1), min_size=15, max_size=15))
@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_less_of_something_never_takes_longer_nor_less_than_nothing(
    trace: Trace, factors: List[float]
) -> None:
    rescaling = Rescaling(trace, divide(trace))
    new = rescaling.run_ns(array("d", factors[: len(trace)]))
    assert -1e-3 <= new <= trace.finish_ns - trace.begin_ns + ROUNDING_NS


SLEEPS = {"load": 0.04, "score": 0.07, "plan": 0.03}


def _program(sleeps: Dict[str, float]) -> None:
    """A step: load and score on threads of their own, plan meanwhile, wait for both."""
    from opentelemetry import context

    def work(name: str, above: Any) -> None:
        token = context.attach(above)
        with nutrace.span(name, component="model"):
            time.sleep(sleeps[name])
        context.detach(token)

    with nutrace.span(STEP, component="simulation"):
        above = context.get_current()
        threads = [threading.Thread(target=work, args=(name, above)) for name in ("load", "score")]
        for thread in threads:
            thread.start()
        with nutrace.span("plan", component="planner"):
            time.sleep(sleeps["plan"])
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("name", "fraction"), [("load", 0.25), ("score", 0.25), ("score", 0.75), ("plan", 0.1), ("plan", 3.5)]
)
def test_a_program_with_threads_takes_what_was_foretold(
    recorded: Tracing, name: str, fraction: float
) -> None:
    """The truth is the same program with other sleeps."""
    foretold, true = [], []
    for _ in range(8):  # on a busy machine a sleep may take longer, and never less
        with recorded():
            _program(SLEEPS)
        answer = whatif(recorded.trace, [parse_target(f"span:{name}={fraction}")])
        foretold.append(answer.stretch.mean_ns)
        with recorded():
            _program({**SLEEPS, name: SLEEPS[name] * fraction})
        true.append(recorded.trace.busy_ns[recorded.trace.step_indices[0]])
        if min(foretold) == pytest.approx(min(true), abs=12e6):
            return
    pytest.fail(f"foretold {foretold}, but it took {true}")


#: A phase: own work, a span, and work on threads of its own, which all begin then, and own work at the end.
PhaseOf = Tuple[int, int, List[int], int]


def _scheduled(phases: Sequence[PhaseOf], own: float, plan: float, work: float) -> Tuple[float, List[Any]]:
    """When a program ends that waits for its threads in each phase, and its spans; times in us."""
    now, spans = 0.0, []
    thread = 2
    for before, planning, workers, after in phases:
        now += before * own
        spans.append(span("plan", now, now + planning * plan))
        ends = [now + planning * plan]
        for duration in workers:
            spans.append(span("work", now, now + duration * work, thread=thread, component="model"))
            ends.append(now + duration * work)
            thread += 1
        now = max(ends) + after * own
    return now, spans


@given(
    st.lists(
        st.tuples(
            st.integers(1, 50),
            st.integers(1, 50),
            st.lists(st.integers(60, 200), max_size=3),  # longer than planning: the program waits
            st.integers(1, 50),
        ),
        min_size=1,
        max_size=4,
    ),
    *(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]) for _ in range(3)),
)
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_a_program_that_forks_and_joins_ends_when_its_schedule_says(
    phases: List[PhaseOf], own: float, plan: float, work: float
) -> None:
    end, spans = _scheduled(phases, 1, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        trace = trace_of(Path(folder), step(0, end, *spans))
        changes = [f"simulation={own}", f"planner={plan}"]
        if any(workers for _, _, workers, _ in phases):
            changes.append(f"model={work}")
        true, _ = _scheduled(phases, own, plan, work)
        assert mean_us(trace, *changes) == pytest.approx(true, abs=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("planer=0.5", "has no component called planer; it has: simulation, planner"),
        ("plan=0.5", "for the span of that name write span:plan"),
        ("span:nowhere=0", "has no span called nowhere; it has: simulation.step, plan"),
        ("statement:nothing=0", "has no statement that has nothing in its text; it has: none"),
        ("planner", "bad change planner: write component=0.8"),
        ("planner=-1", "bad change planner=-1"),
        ("planner=nan", "bad change"),
        ("=0.5", "bad change"),
    ],
)
def test_what_is_unknown_is_named_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    trace = trace_of(tmp_path, step(0, 100, span("plan", 0, 40)))
    with pytest.raises(UsageError) as caught:
        whatif(trace, [parse_target(text)])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_may_have_an_equals_sign() -> None:
    assert parse_target("statement:token = ?=0.5").name == "token = ?"
