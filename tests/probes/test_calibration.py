"""The prices of events are measured when tracing starts, and nothing of that is left."""

from __future__ import annotations

import gc
import json
import os
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.prices import CALL, KINDS, MERGED, RESUMPTION, parse
from nutrace.probes import calibration
from nutrace.recording.buffers import buffers, local
from nutrace.recording.context import current
from nutrace.recording.span import ids

MEASURED = {CALL, MERGED, RESUMPTION}


def stated(trace: nutrace.Trace) -> List[Dict[str, Any]]:
    """The prices of each process."""
    return [parse(resource.attributes[semconv.OWN_PRICES]) for resource in trace.resources]


def test_the_file_states_prices(recorded: Tracing) -> None:
    with recorded(), nutrace.span("work"):
        pass
    (prices,) = stated(recorded.trace)
    assert set(prices) == set(KINDS)
    for kind, price in prices.items():
        # A busy machine may take ten times as long as a quiet one.
        assert 50 < price.total_ns < 500_000, kind
        assert price.spread >= 1 if kind in MEASURED else price.spread == 0


def test_a_killed_process_has_stated_them(recorded: Tracing) -> None:
    with recorded() as session:
        with nutrace.span("work"):
            pass
        session.recorder.flush()
        first = json.loads(session.file.partial.read_bytes().splitlines()[0])
    attributes = {each["key"]: each["value"] for each in first["resourceSpans"][0]["resource"]["attributes"]}
    assert CALL in parse(attributes[semconv.OWN_PRICES]["stringValue"])
    assert int(attributes[f"{semconv.OWN_SPENT_NS}.start"]["intValue"]) > 0


def test_nothing_is_left_of_it(recorded: Tracing) -> None:
    """Nothing is written, no id is used up, and neither queues nor the collector are other than before."""
    before = local.buffer, local.spans, list(buffers), current.get(), gc.isenabled(), gc.get_threshold()
    with recorded() as session:
        number = repr(ids._count)
        assert calibration.calibrated()
        assert repr(ids._count) == number
        assert not local.spans
        assert session.recorder.totals.events() == []
    after = local.buffer, local.spans, list(buffers), current.get(), gc.isenabled(), gc.get_threshold()
    assert after == before
    assert recorded.path is None  # no span, no file


def test_several_threads_calibrate_at_once(recorded: Tracing) -> None:
    found: List[Any] = []
    with recorded():
        threads = [threading.Thread(target=lambda: found.append(calibration.calibrated())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not local.spans
    assert all(set(calibration.prices) == set(KINDS) for calibration in found)
    assert len(found) == 4


def test_a_forked_child_takes_them_over(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(), nutrace.span("work"):
        monkeypatch.setattr(calibration, "calibrated", None)  # not again
        pid = os.fork()
        if not pid:
            with nutrace.span("child"):
                pass
            os._exit(0)
        os.waitpid(pid, 0)
    of_parent, of_child = stated(recorded.trace)
    assert of_parent == of_child != {}


def test_without_prices_the_program_is_traced(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError

    monkeypatch.setattr("nutrace.session.calibrated", fails)
    with recorded() as session, nutrace.span("work"):
        assert session.recorder.diagnostics.faults == 1
    assert stated(recorded.trace) == [{}]
    assert recorded.shape() == ["work"]


def test_an_interrupted_calibration_undoes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes during the calibration: it is the program's, and nothing stays."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = local.buffer, local.spans, current.get()
    monkeypatch.setattr(calibration, "_busy_ns", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nutrace.instrument(nutrace.Settings(output=str(tmp_path / "run.json"), summary=False), probes=())
    assert (local.buffer, local.spans, current.get()) == before
    assert not list(tmp_path.iterdir())
