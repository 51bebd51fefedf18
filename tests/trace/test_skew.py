"""The clocks of a run's hosts: what is estimated, what is moved, and what is said."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from fakes.otlp import EPOCH_NS, RESOURCE, envelope, spans, write
from hypothesis import given
from hypothesis import strategies as st

import nutrace
from nutrace.analysis import report
from nutrace.trace import Trace
from nutrace.trace.skew import Containment, skew
from nutrace_exporters.lanes import thread_names

S = 1_000_000  # microseconds

DRIVER = {**RESOURCE, "host.name": "head", "process.pid": 1}


def worker(host: str = "node-b", pid: int = 1) -> Dict[str, Any]:
    """A worker; its process id may be one of another host."""
    return {**RESOURCE, "host.name": host, "process.pid": pid, "nutrace.run.parent_pid": 1}


def load(folder: Path, *lines: Any, **options: Any) -> Trace:
    """The trace of a file with these lines."""
    return nutrace.load(write(folder / "run.jsonl", *lines), **options)


def evaluation(seed: int, skew_us: float, hosts: int = 1) -> List[Any]:
    """A driver that sends scenarios to workers on other hosts, whose clocks are `skew_us` ahead."""
    draw = random.Random(seed)
    sent = 10 * S
    received = sent
    lines = []
    for host in range(hosts):
        simulations = []
        at = sent + draw.uniform(0.01, 2) * S
        for _ in range(draw.randint(1, 6)):
            end = at + draw.uniform(0.1, 5) * S
            simulations.append(("simulation.run", at + skew_us, end + skew_us))
            at = end + draw.uniform(0, 0.1) * S
        received = max(received, at + draw.uniform(0.001, 1) * S)
        lines.append(envelope(spans(*simulations, first_id=100 * (host + 1)), worker(f"node-{host}")))
    driver = ("simulation.execute_runners", sent, received, [("worker.map", sent + 1, received - 1)])
    return [envelope(spans(("config", 0, 1 * S), driver), DRIVER), *lines]


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.tuples(*[st.integers(0, 10**10)] * 3), min_size=1, max_size=5),
)
def test_the_true_skew_is_possible_and_the_estimate_as_right_as_it_says(
    true_ns: int, pairs: List[tuple[int, int, int]]
) -> None:
    """Tasks that lie inside the spans that sent them, by a clock that is ahead."""
    tasks = [
        Containment(0, before + took + after, before + true_ns, before + took + true_ns)
        for before, took, after in pairs
    ]
    found = skew("b", "a", tasks)
    assert found.least_ns is not None
    assert found.most_ns is not None
    assert found.uncertainty_ns is not None
    assert found.least_ns <= -true_ns <= found.most_ns
    assert found.least_ns <= found.offset_ns <= found.most_ns
    assert abs(found.offset_ns + true_ns) <= found.uncertainty_ns
    assert all(
        each.outer_start <= each.inner_start + found.offset_ns
        and each.inner_end + found.offset_ns <= (each.outer_end or 0)
        for each in tasks
    )
    if found.least_ns > 0 or found.most_ns < 0:
        assert found.offset_ns == (found.least_ns + found.most_ns) // 2


def test_clocks_that_may_agree_are_left_alone() -> None:
    found = skew("b", "a", [Containment(0, 100, 40, 90)])
    assert (found.least_ns, found.most_ns, found.offset_ns, found.uncertainty_ns) == (-40, 10, 0, 40)


def test_one_side_only() -> None:
    """A task that nobody waited for: it began after it was sent, and may have ended at any time."""
    late = skew("b", "a", [Containment(1000, None, 400, 5000)])
    assert (late.offset_ns, late.uncertainty_ns) == (600, None)
    assert skew("b", "a", [Containment(400, None, 1000, 5000)]).offset_ns == 0


def test_contradictions_are_not_averaged() -> None:
    """The clock was set between the two: no one offset fits to both."""
    found = skew("b", "a", [Containment(0, 100, 1000, 1050), Containment(200, 300, 210, 290)])
    assert found.contradictory
    assert (found.offset_ns, found.uncertainty_ns) == (0, None)
    assert "cannot be compared" in found.sentence


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("skew_s", [-3600.0, -60.0, 60.0, 86_400.0])
def test_an_evaluation_is_aligned(tmp_path: Path, seed: int, skew_s: float) -> None:
    trace = load(tmp_path, *evaluation(seed, skew_s * S, hosts=2))
    assert [each.host for each in trace.skews] == ["node-0", "node-1"]
    outer = next(span for span in trace if span.name == "simulation.execute_runners")
    for span in trace:
        if span.name == "simulation.run":
            assert outer.start_ns <= span.start_ns <= span.end_ns <= outer.end_ns
    for each in trace.skews:
        assert each.uncertainty_ns is not None
        assert abs(each.offset_ns / 1e9 + skew_s) <= each.uncertainty_ns / 1e9 + 1e-6
        assert f"the clock of {each.host} is" in each.sentence
    assert trace.finish_ns - trace.begin_ns < 60 * 10**9
    notes = report(trace).notes
    assert [each.sentence in notes for each in trace.skews] == [True, True]
    way = "ahead of" if skew_s > 0 else "behind"
    assert f"{way} that of head, +-" in trace.skews[0].sentence


def test_raw_times_are_as_they_were_recorded(tmp_path: Path) -> None:
    lines = evaluation(1, 7.0 * S)
    trace = load(tmp_path, *lines, raw=True)
    assert trace.skews == ()
    last = max(span.end_ns for span in trace if span.name == "simulation.run")
    assert last > max(span.end_ns for span in trace if span.name == "worker.map") + 5 * 10**9


def test_without_a_skew_nothing_is_moved(tmp_path: Path) -> None:
    lines = evaluation(3, 0.0)
    (found,) = load(tmp_path, *lines).skews
    assert found.offset_ns == 0
    assert found.sentence.startswith("by what its tasks tell, the clock of node-0 is at most ")
    one_host = (
        envelope(spans(("run", 0, 10)), DRIVER),
        envelope(spans(("job", 0, 9), first_id=9), worker("head", 2)),
    )
    trace = load(tmp_path, *one_host)
    assert trace.skews == ()
    assert not trace.diagnostics.notes


def test_hosts_that_nothing_ties_are_not_aligned(tmp_path: Path) -> None:
    job = envelope(spans(("job", 1000, 2000), first_id=50), worker())
    (found,) = load(tmp_path, envelope(spans(("config", 0, 10)), DRIVER), job).skews
    assert (found.pairs, found.offset_ns) == (0, 0)
    assert found.sentence.startswith("nothing tells whether the clock of node-b agrees with that of head")


@pytest.mark.parametrize(("kind", "known"), [(2, True), (5, False)])
def test_a_context_that_was_sent_along_tells_as_well(tmp_path: Path, kind: int, known: bool) -> None:
    """A server's span lies within its client's; a consumer's may outlast its producer's."""
    call = envelope(spans(("call", 0, 100)), DRIVER)
    served = spans(("serve", 1010, 1090), first_id=50, parent=f"{1:016x}")
    served[0]["kind"] = kind
    (found,) = load(tmp_path, call, envelope(served, worker())).skews
    bounds: tuple[Optional[int], Optional[int]] = (-1_010_000, -990_000 if known else None)
    assert (found.least_ns, found.most_ns) == bounds
    assert found.offset_ns == (-1_000_000 if known else 0)


def test_a_driver_that_was_killed_bounds_one_side(tmp_path: Path) -> None:
    lines = evaluation(2, -60.0 * S)
    (runners,) = [
        span for span in lines[0]["resourceSpans"][0]["scopeSpans"][0]["spans"] if "execute" in span["name"]
    ]
    (tied,) = load(tmp_path, *lines).skews
    runners["attributes"].append({"key": "nutrace.unfinished", "value": {"boolValue": True}})
    (found,) = load(tmp_path, *lines).skews
    assert (found.most_ns, found.offset_ns) == (None, found.least_ns)
    assert found.least_ns == tied.least_ns


def test_events_move_with_their_spans(tmp_path: Path) -> None:
    call = envelope(spans(("call", 0, 100)), DRIVER)
    served = spans(("serve", 1010, 1090), first_id=50, parent=f"{1:016x}")
    served[0]["events"] = [{"name": "seen", "timeUnixNano": str(EPOCH_NS + 1_050_000), "attributes": []}]
    trace = load(tmp_path, call, envelope(served, worker()))
    span = next(span for span in trace if span.name == "serve")
    assert [event.time_ns - EPOCH_NS for event in span.events] == [50_000]


def test_processes_of_two_hosts_with_one_id_are_two(tmp_path: Path) -> None:
    trace = load(tmp_path, *evaluation(1, 0.0, hosts=2))
    assert [resource.attributes["host.name"] for resource in trace.resources] == ["head", "node-0", "node-1"]


def test_workers_that_are_not_in_the_file_are_named(tmp_path: Path) -> None:
    said = (
        '[{"host":"node-0","pid":1,"file":"/a/run.json.shard-1"},'
        '{"host":"node-x","pid":7,"file":"/tmp/nutrace-0/run.json.shard-7"},'
        '{"host":"node-x","pid":8,"file":"/tmp/nutrace-0/run.json.shard-8"},'
        '{"host":"node-y","pid":9,"file":"/b/run.json.shard-9"}]'
    )
    lines = evaluation(1, 0.0)
    told = envelope(spans(("end", 0, 1), first_id=900), {**DRIVER, "nutrace.run.workers": said})
    notes = load(tmp_path, *lines, told).diagnostics.notes
    name = tmp_path / "run.jsonl"
    assert [note for note in notes if "not in this file" in note] == [
        "2 processes on host node-x are not in this file: copy what is in node-x:/tmp/nutrace-0, and "
        f"nutrace join {name} COPIES -o NEW.json",
        "1 process on host node-y is not in this file: copy what is in node-y:/b, and "
        f"nutrace join {name} COPIES -o NEW.json",
    ]


@pytest.mark.parametrize(
    "said", ["", "x", "[", "7", "[7]", '[{"host":3,"pid":"x","file":null}]', "[" * 50_000]
)
def test_what_a_file_says_of_workers_may_be_anything(tmp_path: Path, said: str) -> None:
    lines = evaluation(1, 0.0)
    told = envelope(spans(("end", 0, 1), first_id=900), {**DRIVER, "nutrace.run.workers": said})
    assert len(load(tmp_path, *lines, told).resources) == 2


def test_lanes_name_the_host_if_there_are_several(tmp_path: Path) -> None:
    trace = load(tmp_path, *evaluation(1, 0.0))
    every = range(len(trace.threads))
    assert thread_names(trace, every) == ["process 1 on head", "process 1 on node-0"]


def test_a_main_thread_is_called_as_its_process(tmp_path: Path) -> None:
    lines = [
        envelope(spans(("work", 0, 1, {"thread.id": thread}), first_id=first), {"process.pid": pid})
        for first, (pid, thread) in enumerate([(7, 7), (7, 8), (9, 9)], 1)
    ]
    trace = load(tmp_path, *lines)
    assert thread_names(trace, range(3)) == ["process 7", "thread 8 (process 7)", "process 9"]
