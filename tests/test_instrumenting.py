"""Beginning and ending to trace: from any thread, again after the end, and by name for the commands."""

from __future__ import annotations

import sqlite3
import sys
import threading
import types
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from opentelemetry import context, trace

import nutrace
from nutrace import _running
from nutrace.probes.probe import Probe
from nutrace.probes.switch import switch
from nutrace.recording.resource import contribute, contributed


def _settings(folder: Path) -> nutrace.Settings:
    return nutrace.Settings(output=str(folder / "run.json"), summary=False)


@pytest.fixture
def target() -> Iterator[Any]:
    made: Any = types.ModuleType("nutrace_target")
    made.f = lambda: 2
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def test_many_threads_make_one_session(tmp_path: Path) -> None:
    connect, provider, runtime = sqlite3.connect, trace._TRACER_PROVIDER, type(context._RUNTIME_CONTEXT)
    sessions: List[Any] = []
    barrier = threading.Barrier(8)

    def begin() -> None:
        barrier.wait()
        sessions.append(nutrace.instrument(_settings(tmp_path)))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(session) for session in sessions}) == 1
    nutrace.uninstrument()
    assert sqlite3.connect is connect
    assert trace._TRACER_PROVIDER is provider
    assert type(context._RUNTIME_CONTEXT) is runtime
    assert not switch
    assert list(tmp_path.iterdir()) == []


def test_again_after_the_end_of_the_recording(tmp_path: Path, target: Any) -> None:
    """finish() alone, which is what the end of a process calls, leaves the probes in place."""
    original, probes = target.f, [Probe("nutrace_target:f", name="f")]
    nutrace.instrument(_settings(tmp_path), probes=probes).finish()
    target.f()
    nutrace.instrument(_settings(tmp_path), probes=probes)
    target.f()
    path = nutrace.uninstrument()
    assert path is not None
    assert [span.name for span in nutrace.load(path)] == ["f"]
    assert target.f is original


def test_everything_that_is_on_is_switched_off(tmp_path: Path, target: Any) -> None:
    from nutrace.speedups import active
    from nutrace.speedups.registry import chosen

    original = target.f
    active.switch_on(chosen("row_cache"))
    nutrace.instrument(_settings(tmp_path), probes=[Probe("nutrace_target:f")])
    assert target.f is not original
    _running.stop_all()
    assert target.f is original
    assert active.figures() == ""
    assert nutrace.uninstrument() is None
    assert list(tmp_path.iterdir()) == []


def test_newest_first_and_once() -> None:
    calls: List[str] = []

    def one() -> None:
        calls.append("one")

    def two() -> None:
        calls.append("two")

    for stop in (one, two, one):
        _running.started(stop)
    _running.stop_all()
    _running.stop_all()
    assert calls == ["two", "one"]


def test_what_is_added_to_the_resource(tmp_path: Path, target: Any) -> None:
    values = ["", "said"]
    contribute("nutrace.test", lambda: values[-1])
    try:
        nutrace.instrument(_settings(tmp_path), probes=[Probe("nutrace_target:f")])
        target.f()
        path = nutrace.uninstrument()
        assert path is not None
        assert '"nutrace.test"' in path.read_text()
        values.pop()
        assert "nutrace.test" not in contributed()
    finally:
        from nutrace.recording import resource

        del resource._contributions["nutrace.test"]
