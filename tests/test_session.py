"""Turning tracing on and off: a transaction, and afterwards everything is what it was."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import opentelemetry.trace as otel
import pytest
from fakes.programs import counts, losses
from fakes.tracing import Tracing
from opentelemetry import context

import nutrace
from nutrace.analysis import report
from nutrace.errors import OutputError, SettingsError
from nutrace.percentiles import percentile
from nutrace.probes.probe import Probe
from nutrace.recording.processes import Inherited
from nutrace.session import cancel

NAMES = ("_exit", "execv", "execve", "fork", "kill")


def _surroundings() -> Any:
    return (
        [getattr(os, name) for name in NAMES],
        signal.getsignal(signal.SIGTERM),
        otel._TRACER_PROVIDER,
        otel.set_tracer_provider,
        otel._set_tracer_provider,
        context._RUNTIME_CONTEXT,
        dict(os.environ),
    )


def _settings(folder: Path, **options: Any) -> nutrace.Settings:
    return nutrace.Settings(output=str(folder / "run.json"), summary=False, **options)


def test_everything_is_undone(tmp_path: Path) -> None:
    before = _surroundings()
    nutrace.instrument(_settings(tmp_path), probes=[])
    assert _surroundings() != before
    with nutrace.span("work"):
        pass
    assert nutrace.uninstrument() == tmp_path / "run.json"
    assert _surroundings() == before
    assert nutrace.uninstrument() is None


def test_a_second_instrument_changes_nothing(tmp_path: Path) -> None:
    one = nutrace.instrument(_settings(tmp_path), probes=[])
    assert nutrace.instrument(_settings(tmp_path, level="fine"), probes=[]) is one
    nutrace.uninstrument()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_installed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nutrace.recording.processes import Endings

    before = _surroundings()
    with monkeypatch.context() as patch:
        patch.setattr(Endings, "install", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nutrace.instrument(_settings(tmp_path), probes=[Probe("json:dumps")])
    assert type(json.dumps).__name__ == "function"
    assert _surroundings() == before
    assert list(tmp_path.iterdir()) == []
    nutrace.instrument(_settings(tmp_path), probes=[])
    with nutrace.span("work"):
        pass
    assert nutrace.uninstrument() == tmp_path / "run.json"


def test_a_recording_that_was_finished_can_be_followed_by_another(tmp_path: Path) -> None:
    before = _surroundings()
    one = nutrace.instrument(_settings(tmp_path), probes=[Probe("json:loads")])
    json.loads("1")
    one.finish()  # as os._exit does, and a test harness may keep the process alive
    two = nutrace.instrument(_settings(tmp_path), probes=[Probe("json:loads")])
    json.loads("2")
    assert two is not one
    assert nutrace.uninstrument() == tmp_path / "run-1.json"
    assert [counts(nutrace.load(tmp_path / name)) for name in ("run.json", "run-1.json")] == [
        {"loads": 1},
        {"loads": 1},
    ]
    assert _surroundings() == before


@pytest.mark.parametrize("output", ["/no/such/folder/run.json", "/", "/proc/run.json"])
def test_no_place_to_write(tmp_path: Path, output: str) -> None:
    before = _surroundings()
    with pytest.raises(OutputError, match="set NUTRACE_OUTPUT"):
        nutrace.instrument(nutrace.Settings(output=output), probes=[])
    assert _surroundings() == before


def test_a_bad_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTRACE_LOUDNESS", "3")
    with pytest.raises(SettingsError, match="unknown variable NUTRACE_LOUDNESS"):
        nutrace.instrument(probes=[])


def test_a_variable_that_was_inherited_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = str(Inherited(tmp_path / "run.json", "id", 255, 1, 1, True, tmp_path))
    monkeypatch.setenv("NUTRACE_PARENT", text)
    session = nutrace.instrument(_settings(tmp_path), probes=[])
    assert session.run_id == "id"
    assert os.environ["NUTRACE_PARENT"] != text
    with nutrace.span("work"):
        pass
    shard = nutrace.uninstrument()
    assert os.environ["NUTRACE_PARENT"] == text
    assert shard is not None
    assert ".shard-" in shard.name
    (span,) = nutrace.load(shard)
    assert span.trace.trace_id(0) == f"{255:032x}"


def test_one_recording_after_the_other(recorded: Tracing) -> None:
    for name in ("first", "second"):
        with recorded(), nutrace.span(name):
            pass
        assert counts(recorded.trace) == {name: 1}
        assert not losses(recorded.trace)


def test_cancelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _surroundings()
    nutrace.instrument(nutrace.Settings(output=str(tmp_path / "run.json")), probes=[])
    with nutrace.span("work"):
        pass
    cancel()
    assert _surroundings() == before
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_the_path_is_that_of_the_file_that_was_written(tmp_path: Path) -> None:
    nutrace.instrument(_settings(tmp_path), probes=[])
    with nutrace.span("work"):
        pass
    (tmp_path / "run.json").write_text("somebody's")
    path = nutrace.uninstrument()
    assert path == tmp_path / "run-1.json"
    assert counts(nutrace.load(path)) == {"work": 1}
    assert (tmp_path / "run.json").read_text() == "somebody's"


def test_what_the_file_says_of_the_run(recorded: Tracing) -> None:
    with recorded(Probe("json:dumps"), text_limit=99):
        import json

        json.dumps(1)
    (resource,) = recorded.trace.resources
    said = resource.attributes
    assert said["process.pid"] == os.getpid()
    assert said["nutrace.probes"] == ["json:dumps"]
    assert '"text_limit": 99' in str(said["nutrace.settings"])
    assert said["nutrace.run.complete"] is True
    assert said["nutrace.spans.recorded"] == len(recorded.trace)
    assert int(str(said["nutrace.overhead.estimated_ns"])) > 0
    assert said["process.command_args"]


def test_the_cost_at_exit_is_the_reports(recorded: Tracing, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(summary=True):
        for name in ("work", "more"):
            with nutrace.span(name):
                time.sleep(0.05)  # of a wall time of microseconds, every one of nutrace's would be per cents
    overhead = report(recorded.trace).overhead
    assert overhead.share is not None
    assert overhead.estimated_ns is not None
    cost_ms, once_ms = overhead.estimated_ns / 1e6, overhead.start_and_end_ns / 1e6
    said = f"about {cost_ms - once_ms:.1f} ms, {100 * overhead.share:.2f} % of the wall time ("
    assert said in capsys.readouterr().err


def test_percentiles_are_the_reports() -> None:
    numpy = pytest.importorskip("numpy", "1.22")
    values = [1, 2, 4, 8, 16, 32]
    for percent in (0, 25, 50, 95, 100):
        assert percentile(values, percent) == numpy.percentile(values, percent, method="inverted_cdf")
    assert percentile(range(1, 101), 95) == 95
    assert percentile([5], 50) == 5
