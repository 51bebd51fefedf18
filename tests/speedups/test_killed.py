"""Figures of processes that were killed: those of their last flush, in a file that stays OTLP/JSON."""

from __future__ import annotations

import json
import signal
import textwrap
from pathlib import Path
from typing import Any, List

import pytest
from fakes.programs import Ended, finish, losses, start, write
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from test_switching_on import BEGIN, FITTING, put_devkit

from nutrace import semconv
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.trace import load

QUERIES = 50
ASKING = f"""
import nutrace, os, signal, time
from nutrace import session
from nuplan.database.nuplan_db.query_session import execute_one

def ask(count):
    for _ in range(count):
        execute_one("SELECT 1", (), "log.db")

def flush():
    time.sleep(0.1)  # figures are written if they were not in the last 0.05 s
    session._session.recorder.flush()

def work():
    with nutrace.span("work"):
        ask(1)
    flush()  # with figures that will change
    ask({QUERIES} - 1)
    time.sleep(0.6)  # the background flushes, and nothing changes after the first time
    flush()
"""


def run(folder: Path, source: str) -> Ended:
    put_devkit(folder, FITTING)
    file = write(folder, BEGIN + ASKING + textwrap.dedent(source))
    variables = {
        "NUTRACE_SPEEDUPS": "connection_pool",
        "NUTRACE_FLUSH_SECONDS": "0.1",
        "NUTRACE_SUMMARY": "0",
    }
    return finish(folder, start(folder, ["-W", "ignore", file.name], variables=variables))


def news(file: Path) -> List[Any]:
    """What lines of a partial file say of the pool, without spans."""
    figures = []
    for line in file.read_text().splitlines():
        (entry,) = json.loads(line)["resourceSpans"]
        attributes = {each["key"]: each["value"] for each in entry["resource"]["attributes"]}
        if not any(scope["spans"] for scope in entry["scopeSpans"]):
            assert list(attributes)[:3] == ["service.name", semconv.RUN_ID, "process.pid"]
            assert [scope["scope"]["name"] for scope in entry["scopeSpans"]] == [semconv.OPEN_SCOPE]
            figures.append(json.loads(attributes[semconv.SPEEDUP_FIGURES]["stringValue"])["connection_pool"])
    return figures


def test_a_killed_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "work()\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert ended.code == -signal.SIGKILL
    assert ended.files == ["run.json.partial"]
    reported = news(tmp_path / "run.json.partial")
    assert reported[-1]["figures"]["checkouts"] == QUERIES
    assert 1 <= len(reported) <= 4  # not with each flush
    for line in (tmp_path / "run.json.partial").read_text().splitlines():
        entry = json.loads(line)
        assert json_format.ParseDict(_with_bytes(entry), TracesData()).resource_spans
    speedups = installed_speedups(load(tmp_path / "run.json.partial"))
    (pool,) = speedups.speedups
    assert speedups.unsaid == 1
    assert (pool.processes, pool.at_work, pool.figures["checkouts"]) == (1, 1, QUERIES)


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)"])
def test_a_child_that_is_killed_and_one_that_is_not(tmp_path: Path, ending: str) -> None:
    source = f"""
    child = os.fork()
    if not child:
        work()
        {ending}
    os.waitpid(child, 0)
    with nutrace.span("parent"):
        ask(3)
    """
    ended = run(tmp_path, source)
    assert (ended.code, ended.err, ended.files) == (0, "", ["run.json"])
    trace = load(tmp_path / "run.json")
    assert losses(trace) == {}
    speedups = installed_speedups(trace)
    (pool,) = speedups.speedups
    assert speedups.unsaid == ("SIGKILL" in ending)
    assert (pool.processes, pool.figures["checkouts"]) == (2, 3 + QUERIES)
    document = json.loads((tmp_path / "run.json").read_text())
    assert json_format.ParseDict(_with_bytes(document), TracesData()).resource_spans
    for entry in document["resourceSpans"]:
        keys = [each["key"] for each in entry["resource"]["attributes"]]
        assert len(keys) == len(set(keys))
        assert "process.command_args" in keys
        announced = [each for each in entry["scopeSpans"] if each["scope"]["name"] == semconv.OPEN_SCOPE]
        assert all(each["spans"] for each in announced)


def test_before_it_becomes_another_program(tmp_path: Path) -> None:
    source = """
    import sys
    with nutrace.span("work"):
        ask(1)
    flush()
    ask(6)
    os.execv(sys.executable, [sys.executable, "-S", "-c", "pass"])
    """
    assert run(tmp_path, source).code == 0
    assert news(tmp_path / "run.json.partial")[-1]["figures"]["checkouts"] == 7


def test_without_speedups_there_is_no_news(tmp_path: Path) -> None:
    source = ASKING + "work()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    put_devkit(tmp_path, FITTING)
    file = write(tmp_path, BEGIN + source)
    variables = {"NUTRACE_FLUSH_SECONDS": "0.1", "NUTRACE_SUMMARY": "0"}
    assert finish(tmp_path, start(tmp_path, [file.name], variables=variables)).code == -signal.SIGKILL
    assert news(tmp_path / "run.json.partial") == []


def _with_bytes(document: Any) -> Any:
    """OTLP's ids are hex; protobuf's own JSON mapping, which reads here, has base64."""
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    span.pop(key, None)
    return document
