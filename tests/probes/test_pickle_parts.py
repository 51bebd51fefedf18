"""A pickle tells which attribute takes how much of it."""

from __future__ import annotations

import json
import os
import pickle
from typing import Any, Generator

import pytest

from nutrace.probes.copying.pickle_parts import PickleParts, parts_of
from nutrace.probes.copying.simulation_logs import SimulationLogs
from nutrace.recording.errands import Errands
from nutrace.recording.memory import resident_bytes


class Thing:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("__dict__", "large")

    def __init__(self) -> None:
        self.large = b"x" * 10_000
        self.other = 1


class Reduced:
    calls = 0

    def __reduce__(self) -> Any:
        Reduced.calls += 1
        return bytes, (b"y" * 5_000,)


def _log() -> Thing:
    model = Thing(weights=bytearray(100_000), names=[f"layer {each}" for each in range(20)])
    planner = Thing(_model=model, _options={"a": 1})
    history = Thing(data=[Thing(x=0.5, y="text", z=(1, 2, 3)) for _ in range(2_000)])
    return Thing(file_path="x", scenario=Thing(token="5e"), planner=planner, history=history, again=planner)


@pytest.mark.parametrize("protocol", range(1, 6))
def test_parts_are_what_they_take_when_pickled_alone(protocol: int) -> None:
    log = _log()
    data = pickle.dumps(log, protocol=protocol)
    parts = parts_of(data)
    for name in ("planner", "history"):
        alone = len(pickle.dumps(getattr(log, name), protocol=protocol))
        assert parts[name] == pytest.approx(alone, rel=0.12)  # names that have occurred are references
    assert parts["planner._model"] == pytest.approx(parts["planner"], abs=200)
    assert parts["again"] < 10  # it is memoised
    outer = sum(size for name, size in parts.items() if "." not in name)
    assert 0 < len(data) - outer < 200  # the names of the attributes, and of the class


@pytest.mark.parametrize("make", [pickle.dumps, lambda log: pickle._dumps(log, 4)])  # type: ignore[attr-defined]
def test_both_picklers(make: Any) -> None:
    assert parts_of(make(_log()))["planner._model"] > 100_000


def test_slots_and_reduced_objects() -> None:
    parts = parts_of(pickle.dumps(Thing(slotted=Slotted(), reduced=Reduced()), protocol=4))
    assert parts["slotted"] > 10_000
    assert 5_000 < parts["reduced"] < 5_200


def test_to_be_ended_before_the_end() -> None:
    log = _log()
    log.history.data = log.history.data + [Thing(x=each) for each in range(5_000)]
    data = pickle.dumps(log, protocol=4)
    followed = PickleParts(data)
    steps = followed.follow()
    for _ in range(3):
        next(steps)
    parts = followed.parts()
    assert not followed.complete
    assert parts["planner"] == parts_of(data)["planner"]
    assert "history" not in parts
    rest = len(data) - data.rindex(b"again")
    assert parts["history and what follows"] == pytest.approx(parts_of(data)["history"] + rest, abs=10)


@pytest.mark.parametrize("thing", [[1] * 5_000, {"a": 1}, "text", 5, None, (1, 2)])
def test_objects_without_attributes_have_no_parts(thing: Any) -> None:
    assert {name for name in parts_of(pickle.dumps(thing)) if name != "a"} == set()


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x04]", b"\x80\x04.", b"not a pickle"])
def test_no_pickle(data: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        parts_of(data)


def test_a_pickle_that_waits_is_not_memory_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class SimulationLog:
        planner = None

    waiting = Errands()
    monkeypatch.setattr("nutrace.probes.copying.simulation_logs.errands", waiting)
    monkeypatch.setattr("nutrace.recording.memory.errands", waiting)
    before = resident_bytes()
    if before is None:
        pytest.skip("the system does not tell")
    logs = SimulationLogs()
    logs.note(SimulationLog(), pickle.dumps(b"." * 100_000_000))
    assert waiting.held_bytes == pytest.approx(100e6, rel=0.01)
    assert resident_bytes() == pytest.approx(before, abs=20e6)
    waiting.run(5)
    assert waiting.held_bytes == 0
    assert resident_bytes() == pytest.approx(before, abs=20e6)


def test_work_that_ends_while_the_memory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pickled = [b"." * 100_000_000]
    waiting, read = Errands(), os.read
    counted = []

    def work() -> Generator[None, None, None]:
        own = pickled.pop()
        yield
        counted.append(
            waiting.held_bytes
        )  # as another thread may between the end of the work and what follows
        del own

    def read_late(fd: int, size: int) -> bytes:
        data = read(fd, size)
        waiting.run(5)
        return data

    monkeypatch.setattr("nutrace.recording.memory.errands", waiting)
    if resident_bytes() is None:
        pytest.skip("the system does not tell")
    waiting.add(work(), pickled[0])
    before = resident_bytes()
    monkeypatch.setattr(os, "read", read_late)
    during = resident_bytes()
    assert counted == [100_000_000]
    assert waiting.held_bytes == 0
    assert during == pytest.approx(before, abs=20e6)
    assert resident_bytes() == pytest.approx(before, abs=20e6)


def test_a_log_that_could_not_wait_hides_none_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class SimulationLog:
        def __init__(self, size: int) -> None:
            self.planner = b"." * size

    waiting = Errands()
    monkeypatch.setattr("nutrace.probes.copying.simulation_logs.errands", waiting)
    logs = SimulationLogs()
    for size in (1_000, 2_000, 4_000):  # the third finds two that wait
        logs.note(SimulationLog(size), pickle.dumps({"planner": b"." * size}))
    waiting.run(5)
    logs.note(SimulationLog(4_000), pickle.dumps({"planner": b"." * 4_000}))
    waiting.run(5)
    assert [log["bytes"] // 1_000 for log in json.loads(logs.told())] == [1, 2, 4]
