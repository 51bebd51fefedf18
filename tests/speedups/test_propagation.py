"""Propagation: what is frozen while simulations run, in threads, children and odd programs."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from fakes.tracing import Tracing

from nutrace import semconv
from nutrace.demo.miniature.runner import SimulationRunner, run_simulation
from nutrace.errors import SettingsError
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.speedups.active import speedups
from nutrace.speedups.propagation import FrozenHeap, Options, build
from nutrace.speedups.propagation.part import PLACES
from nutrace.speedups.speedup import Misfit
from nutrace.synthetic import LogSpec, write_log


class Node:
    """Part of a cycle."""

    def __init__(self) -> None:
        self.other = self


def frozen() -> bool:
    """Whether all that there is is frozen; Python 3.12 freezes a few hundred objects itself."""
    return gc.get_freeze_count() > 10_000


@pytest.fixture
def heap() -> Iterator[FrozenHeap]:
    callbacks = list(gc.callbacks)
    made = FrozenHeap()
    made.watch()
    yield made
    made.close()
    assert gc.callbacks == callbacks
    assert not frozen()


def test_what_python_froze_itself_is_nobodys_choice(
    heap: FrozenHeap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 375)
    heap.release(heap.hold())
    monkeypatch.undo()
    assert heap.stats()["freezes"] == 1


def test_what_was_there_is_not_looked_at_and_what_comes_is(heap: FrozenHeap) -> None:
    there = weakref.ref(Node())  # garbage, not collected yet
    token = heap.hold()
    assert frozen()
    come = weakref.ref(Node())
    gc.collect()
    assert there() is not None
    assert come() is None
    heap.release(token)
    assert not frozen()
    gc.collect()
    assert there() is None


def test_collections_are_counted_with_what_they_took_less(heap: FrozenHeap) -> None:
    kept = [[number] for number in range(300_000)]
    gc.collect()
    token = heap.hold()
    gc.collect()
    gc.collect()
    gc.collect(0)
    figures = heap.stats()
    heap.release(token)
    gc.collect()
    assert heap.stats() == figures
    assert (figures["freezes"], figures["full_collections"]) == (1, 2)
    assert figures["objects_frozen"] > len(kept)
    assert figures["spent_ns"] > 0 < figures["avoided_ns"]


def test_the_last_of_several_thaws(heap: FrozenHeap) -> None:
    first, second = heap.hold(), heap.hold()
    heap.release(first)
    assert frozen()
    third = heap.hold()
    heap.release(second)
    heap.release(third)
    assert not frozen()
    heap.release(heap.hold())
    assert heap.stats()["freezes"] == 2


def test_threads_that_come_and_go(heap: FrozenHeap) -> None:
    missing: List[int] = []

    def simulate() -> None:
        for _ in range(20):
            token = heap.hold()
            if not frozen():
                missing.append(token)
            heap.release(token)

    threads = [threading.Thread(target=simulate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert not frozen()


def test_a_program_that_froze_something_is_left_alone(heap: FrozenHeap) -> None:
    gc.freeze()
    try:
        heap.release(heap.hold())
        assert frozen()
    finally:
        gc.unfreeze()
    assert heap.stats()["freezes"] == 0


def test_a_program_without_a_collector_is_left_alone(heap: FrozenHeap) -> None:
    gc.disable()
    try:
        token = heap.hold()
        assert not frozen()
        heap.release(token)
    finally:
        gc.enable()


def test_closing_thaws_what_runs_still(heap: FrozenHeap) -> None:
    token = heap.hold()
    heap.close()
    assert not frozen()
    second = heap.hold()
    heap.release(token)  # of before: not its business
    assert frozen()
    heap.release(second)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_no_part_in_its_parents_simulations(heap: FrozenHeap) -> None:
    token = heap.hold()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            thawed, figures = not frozen(), set(heap.stats().values())
            own = heap.hold()
            heap.release(token)  # the parent's
            again = frozen()
            heap.release(own)
            code = 0 if thawed and figures == {0} and again and not frozen() else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert frozen()
    heap.release(token)


def frozen_in(simulation: Any) -> Any:
    """Run something that is no simulation through the replacement."""
    part = build(Options())
    switch = Switch()
    switch.on()
    try:
        return part.replacements[0].make(simulation, switch)(None)
    finally:
        part.close()


def test_a_simulation_that_fails_thaws_and_fails_as_it_would() -> None:
    error = ValueError("velocity is too high")

    def run(self: Any) -> None:
        assert frozen()
        raise error

    with pytest.raises(ValueError, match="velocity is too high") as raised:
        frozen_in(run)
    assert raised.value is error
    assert (error.__cause__, error.__context__) == (None, None)
    assert not frozen()


def test_one_that_takes_more_does_not_fit() -> None:
    def run(self: Any, steps: int) -> None: ...

    with pytest.raises(Misfit, match="run takes other arguments than \\(self\\)"):
        frozen_in(run)


def test_options() -> None:
    targets = {each.target for each in build(Options(freeze=0)).replacements}
    assert len(targets) == 2
    assert not targets & {target for target, _ in PLACES}
    for freeze, bound in ((-1, "at least 0"), (2, "at most 1"), (float("nan"), "at least 0")):
        with pytest.raises(SettingsError, match=f"propagation: freeze is .*, and must be {bound}"):
            Options(freeze)  # type: ignore[arg-type]


def test_the_run_of_a_simulation_and_its_span(tmp_path: Path) -> None:
    stock, callbacks = SimulationRunner.__dict__["run"], list(gc.callbacks)
    log, tracing = str(tmp_path / "log.db"), Tracing(tmp_path)
    write_log(log, LogSpec(seconds=27, agents=1, traffic_lights=1))
    probe = Probe(PLACES[1][0], "simulation", semconv.RUN_SPAN)
    with speedups("propagation") as (installed,):
        assert installed.applied
        assert not installed.refused
        with tracing(probe):
            run_simulation(log, str(tmp_path / "out"), ["scenario.frames=3"])
        assert not frozen()
        figures = installed.part.stats()
    assert figures["freezes"] == 1
    (span,) = [each for each in tracing.trace if each.name == semconv.RUN_SPAN]
    assert span.attributes[semconv.OBJECTS_FROZEN] == figures["objects_frozen"] > 10_000
    assert SimulationRunner.__dict__["run"] is stock
    assert gc.callbacks == callbacks
