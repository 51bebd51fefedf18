"""Each kind of finding sees what is there, and nothing else."""

from __future__ import annotations

import copy
import gc
import importlib
import shlex
from pathlib import Path
from typing import Any, List

import pytest
from advice.fakes_of_advice import advice_of, findings, span, step, traced
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.advice import KINDS, Finding, Sureness
from nutrace.advice.advise import _best
from nutrace.advice.facts import Facts
from nutrace.advice.proof import bench_with, plain
from nutrace.advice.savings import Savings
from nutrace.probes.catalogue import collect
from nutrace.speedups.registry import chosen


def test_a_quiet_run_gives_no_advice(tmp_path: Path) -> None:
    advice = advice_of(traced(tmp_path, step(0, 100, span("plan", 10, 14)), step(200, 300)))
    assert (advice.in_steps, advice.around) == ((), ())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_a_module_with_a_function(kind: Any) -> None:
    module = importlib.import_module(kind.module)
    assert callable(module.find)
    assert module.__doc__


def test_deep_copies_are_those_of_the_steps_by_caller(recorded: Tracing) -> None:
    def keep(things: List[Any], times: int) -> None:
        for _ in range(times):
            copy.deepcopy(things)

    with recorded(*[each for each in collect() if each.target == "copy:deepcopy"]):
        keep([[0]], 7)
        for _ in range(3):
            with nutrace.span(semconv.STEP_SPAN, component="simulation"):
                keep([[1], [2]], 4)
    (finding,) = findings(recorded.trace)["copies"]
    assert finding.title == "Make fewer deep copies in the steps: 4 calls a step"
    assert finding.evidence[0].startswith(
        "4.00 a step of 16 objects"
    )  # len(memo): three lists, and what keeps them alive
    assert "keep" in finding.evidence[1]
    in_steps = [each for each in recorded.spans("copy.deepcopy") if each.parent is not None]
    assert sum(finding.saves.values()) == sum(each.self_ns for each in in_steps)


def test_full_collections_in_the_simulations_are_the_collectors(recorded: Tracing) -> None:
    collected: List[str] = []

    def note(phase: str, info: Any) -> None:
        if phase == "start" and info["generation"] == 2 and inside:
            collected.append(phase)

    inside = False
    gc.disable()  # while a thread's own collection goes on, gc.collect() does nothing
    gc.collect()
    gc.callbacks.append(note)
    try:
        with recorded(*[each for each in collect() if each.component == "gc"]):
            gc.collect()
            for _ in range(2):
                with nutrace.span(semconv.STEP_SPAN, component="simulation"):
                    inside = True
                    gc.collect()
                    inside = False
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    (finding,) = findings(recorded.trace)["pauses"]
    assert finding.evidence[0].startswith(f"{len(collected)} full collections in the simulations")
    (start,) = findings(recorded.trace)["start"]
    assert start.evidence[0].startswith("1 full collection outside of simulations")


def test_a_collector_that_stays_off_is_something_to_know(recorded: Tracing) -> None:
    enabled = gc.isenabled()
    try:
        with recorded(*[each for each in collect() if each.component == "gc"]):
            for _ in range(4):
                with nutrace.span(semconv.STEP_SPAN, component="simulation"):
                    gc.disable()
                    sum(range(100_000))  # off for most of the steps, also if the first one begins slowly
        assert not gc.isenabled()
    finally:
        if enabled:
            gc.enable()
    (finding,) = findings(recorded.trace)["switched_off"]
    assert "gc.disable() in simulation.step 4 times, gc.enable() never" in finding.evidence[0]
    assert not finding.saves


def test_a_collector_that_is_switched_on_again_is_not(recorded: Tracing) -> None:
    enabled = gc.isenabled()
    try:
        with recorded(*[each for each in collect() if each.component == "gc"]):
            for _ in range(4):
                with nutrace.span(semconv.STEP_SPAN, component="simulation"):
                    gc.disable()
                    sum(range(10_000))
                    gc.enable()
    finally:
        if not enabled:
            gc.disable()
    assert "switched_off" not in findings(recorded.trace)


def _log(begin: float) -> Any:
    """A simulation log: 70 us to pickle, 20 us to compress, 10 us to write."""
    pickled = span(
        semconv.PICKLE_SPAN,
        begin,
        begin + 70,
        component="deepcopy",
        **{semconv.COPY_ROOT_TYPE: "x.SimulationLog", semconv.PICKLE_BYTES: 1000},
    )
    written = span("serialization.write_file", begin + 90, begin + 100, component="serialization")
    packed = span(
        "serialization.write_msgpack", begin, begin + 100, pickled, written, component="serialization"
    )
    return span("serialization.save_log", begin, begin + 100, packed, component="serialization")


def test_a_simulation_log_and_its_parts(tmp_path: Path) -> None:
    import json

    from fakes.otlp import RESOURCE, trace_of

    told = [{"bytes": 1000, "planner": "x.Planner", "complete": True, "parts": {"planner": 400}}]
    resource = {**RESOURCE, semconv.SIMULATION_LOGS: json.dumps(told)}
    trace = trace_of(tmp_path, step(0, 100), _log(200), _log(400), resource=resource)
    out, planner, compression = findings(trace)["simulation_log"]
    assert sum(out.saves.values()) == 200_000
    assert sum(planner.saves.values()) == pytest.approx(2 * 0.4 * 90_000)
    assert sum(compression.saves.values()) == 40_000
    ranked = advice_of(trace).around
    assert [each.finding.title for each in ranked] == [out.title]  # which leaves nothing of the others


def test_a_planner_that_is_small_in_its_log_is_none(tmp_path: Path) -> None:
    assert len(findings(traced(tmp_path, step(0, 100), _log(200)))["simulation_log"]) == 2


def test_pictures(tmp_path: Path) -> None:
    package = "nuplan.planning.simulation"
    drawn = span(
        "main_callback.on_run_simulation_end",
        200,
        260,
        component="callback",
        function=f"{package}.main_callback.x.MetricSummaryCallback.on_run_simulation_end",
    )
    step_drawn = span(
        "callback.on_step_end",
        50,
        90,
        span("draw", 60, 80),
        component="callback",
        function=f"{package}.callback.x.VisualizationCallback.on_step_end",
    )
    other = span(
        "callback.on_step_end", 10, 20, component="callback", function="mine.OtherCallback.on_step_end"
    )
    found = findings(traced(tmp_path, step(0, 100, other, step_drawn), drawn))["rendering"]
    assert {finding.title.split()[1]: sum(finding.saves.values()) for finding in found} == {
        "VisualizationCallback": 40_000,
        "MetricSummaryCallback": 60_000,
    }


def test_an_override_takes_the_place_of_that_in_the_command_line(tmp_path: Path) -> None:
    from fakes.otlp import RESOURCE, trace_of

    words = ["python", "run.py", "main_callback=[a, b]", "worker=sequential"]
    trace = trace_of(tmp_path, step(0, 100), resource={**RESOURCE, "process.command_args": words})
    facts = Facts("run.json", trace, trace)
    full = shlex.split(bench_with(facts, "less", "main_callback=[a]").full)
    assert full[-4:] == words
    (variant,) = [each for each in full if each.startswith("less:")]
    assert shlex.split(variant)[1:] == ["python", "run.py", "worker=sequential", "main_callback=[a]"]
    short = shlex.split(bench_with(facts, "less", "~callback.log").short)
    assert "less:-- PROGRAM ~callback.log" in short or "less:-- PROGRAM '~callback.log'" in short


def test_an_opaque_span_is_something_to_look_into(tmp_path: Path) -> None:
    planner = span("planner.compute", 0, 80, span("phase", 0, 5), component="planner")
    clear = span("sqlite3.statement", 80, 95, component="database")
    rest = span("other", 95, 100, component="callback")
    (finding,) = findings(traced(tmp_path, step(0, 100, planner, clear, rest)))["opaque"]
    assert finding.title.startswith("Look into planner.compute: 0.075 ms a step, 75% of it")
    assert finding.proof[0].full == "NUTRACE=1 NUTRACE_SAMPLE=1 python run_simulation.py"


def test_a_level_that_costs_more_than_it_shows(tmp_path: Path) -> None:
    many = span("occupancy_map.intersects", 10, 20, component="observation", **{semconv.COMPOSITE_COUNT: 50})
    trace = traced(tmp_path, step(0, 400, many), level="fine", overhead_ns=1_000_000)
    (finding,) = findings(trace)["level"]
    # 1 ms for 1,000 calls and the writing of 2 spans; a call takes twice that between other work.
    assert sum(finding.saves.values()) == pytest.approx(2 * 50 * 1_000_000 / 1008)
    assert "fine:" not in finding.proof[0].short
    assert "normal:NUTRACE_LEVEL=normal" in finding.proof[0].short
    assert finding.only_traced
    assert "level" not in findings(traced(tmp_path, step(0, 400), level="coarse", overhead_ns=1_000_000))


def _finding(saves: Any, sureness: Sureness = Sureness.MEASURED, likely: float = 0.5) -> Finding:
    return Finding("", (), sureness, "", (plain(""),), saves, likely)


def test_what_one_change_takes_another_does_not_save_again(tmp_path: Path) -> None:
    trace = traced(tmp_path, step(0, 100, span("a", 10, 50), span("b", 50, 90)))
    savings = Savings(Facts("", trace, trace))
    first, second = _finding({1: 30_000.0}), _finding({1: 20_000.0, 2: 10_000.0})
    savings.make(first)
    assert savings.alone(second).step_ns == 15_000
    assert savings.likely(second).step_ns == pytest.approx(0.5 * (20_000 * 0.25 + 10_000))


def test_what_is_verified_comes_before_what_else_saves_the_same_time(tmp_path: Path) -> None:
    trace = traced(tmp_path, step(0, 100, span("a", 10, 50), span("b", 50, 90)))
    facts = Facts("", trace, trace)
    guessed = "guessed", _finding({1: 40_000.0, 2: 40_000.0})
    verified = "verified", _finding({1: 20_000.0}, Sureness.VERIFIED, likely=1.0)
    elsewhere = "elsewhere", _finding({0: 10_000.0}, Sureness.VERIFIED, likely=1.0)
    assert _best(facts, Savings(facts), [guessed, elsewhere, verified], True) == verified
    assert _best(facts, Savings(facts), [guessed, elsewhere], True) == guessed


def test_beside_a_step_only_what_it_waited_for_is_saved(tmp_path: Path) -> None:
    long, short = (
        (name, 10, end, {"thread.id": thread, semconv.COMPONENT: "deepcopy"})
        for name, end, thread in (("long", 90, 2), ("short", 60, 3))
    )
    trace = traced(tmp_path, step(0, 100, long, short))
    savings = Savings(Facts("", trace, trace))
    spans = {name: number for number, name in enumerate(trace.name)}
    assert savings.stretch(_finding({spans["short"]: 50_000.0})).step_ns == 0
    assert savings.stretch(_finding({spans["long"]: 80_000.0})).step_ns == pytest.approx(30_000)


def test_every_speedup_that_is_named_exists(tmp_path: Path) -> None:
    from advice.test_database_findings import query

    collection = span("gc.collect", 60, 70, component="gc", **{semconv.GC_GENERATION: 2})
    trace = traced(tmp_path, step(0, 100, query(0, "aab"), collection), span("gc.collect", 200, 210))
    from nutrace.bench.variants import parse_variant

    named = []
    for several in findings(trace).values():
        for proof in (proof for finding in several for proof in finding.proof):
            words = shlex.split(proof.full)
            for option, value in zip(words, words[1:]):
                if option == "--variant":
                    parse_variant(value)
                rest = value.partition(":")[2]
                if option == "--variant" and rest and "=" not in rest.partition(":")[0] and rest[0] != "-":
                    named.append(rest)
                    assert chosen(rest)
    assert {"row_cache", "scenario_prefetch", "connection_pool", "propagation"} <= set(named)
