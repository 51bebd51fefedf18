"""Figures of speedups as OpenTelemetry metrics, read by the SDK in a real run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.programs import finish, start, write
from test_switching_on import BEGIN, put_devkit

from nutrace.errors import MissingDependencyError
from nutrace.speedups import SPEEDUPS
from nutrace.speedups.measures import COUNTERS, MEASURES, measures
from nutrace.synthetic import LogSpec, write_log

LIGHTS, POOL = "traffic_light_cache", "connection_pool"

SDK = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
"""
RUN = """
import sys
from nutrace.demo.__main__ import main
main(["log.db", "out", "scenario.frames=6"])
"""
SAY = """
import json, os, sqlite3, sys
from nutrace.speedups import active
from nutrace.demo.miniature.query_session import execute_many, execute_one

def say():
    data = reader.get_metrics_data()
    points = [
        [metric.name, metric.unit, type(metric.data).__name__, getattr(metric.data, "is_monotonic", None),
         dict(point.attributes), point.value]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics if scope.scope.name == "nutrace"
        for metric in scope.metrics for point in metric.data.data_points
    ]
    figures = {name: each["figures"] for name, each in json.loads(active.figures() or "{}").items()}
    print("reported", json.dumps({"points": points, "figures": figures}), flush=True)

say()
"""
CHILD = """
child = os.fork()
if not child:
    execute_one("SELECT 1", (), "log.db")
    execute_one("SELECT 1", (), "log.db")
    say()
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics")
    write_log(str(folder / "log.db"), LogSpec(seconds=27, agents=2, traffic_lights=2))
    return folder


def reported(folder: Path, source: str, **variables: Any) -> List[Dict[str, Any]]:
    file = write(folder, BEGIN + source)
    given = {"NUTRACE_SPEEDUPS": f"{LIGHTS},{POOL}", **variables}
    ended = finish(folder, start(folder, ["-W", "ignore", file.name], traced=False, variables=given))
    assert (ended.code, ended.err) == (0, "")
    lines = [line for line in ended.out.splitlines() if line.startswith("reported ")]
    return [json.loads(line[len("reported ") :]) for line in lines]


def values(document: Dict[str, Any], speedup: str, metric: str) -> List[Any]:
    return [
        point[5]
        for point in document["points"]
        if point[0] == metric and point[4]["nutrace.speedup.name"] == speedup
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_metrics_are_the_figures(folder: Path, when: str) -> None:
    """Whether the program sets its provider up first thing or when speedups have worked already."""
    source = SDK + RUN + SAY if when == "before" else RUN + SDK + SAY
    (document,) = reported(folder, source)
    figures = document["figures"]
    assert figures[LIGHTS]["hits"] > 0
    assert figures[POOL]["checkouts"] > figures[POOL]["reused"] > 10
    opened = figures[POOL]["checkouts"] - figures[POOL]["reused"]
    assert values(document, POOL, "nutrace.pool.checkouts") == [opened, figures[POOL]["reused"]]
    for speedup, each in figures.items():
        for metric, group in measures(each).items():
            expected = [measure.value(each) for measure in group]
            # The idle connections are those that are open and not in use, and so on.
            assert values(document, speedup, metric) == expected, (speedup, metric)
    kinds = {point[0]: (point[1], point[2], point[3]) for point in document["points"]}
    assert kinds["nutrace.cache.hits"] == ("{hit}", "Sum", True)
    assert kinds["nutrace.cache.size"] == ("By", "Sum", False)
    assert kinds["nutrace.speedup.time.spent"] == ("s", "Sum", True)
    assert kinds["db.client.connection.max"] == ("{connection}", "Sum", False)
    assert values(document, POOL, "db.client.connection.max") == [15]
    assert values(document, POOL, "db.client.connection.count") == [figures[POOL]["open"], 0]
    assert values(document, POOL, "db.client.connection.timeouts") == [0]
    (spent,) = values(document, LIGHTS, "nutrace.speedup.time.spent")
    assert 0 < spent < 60
    names = [point[4] for point in document["points"] if point[0] == "db.client.connection.count"]
    assert [each["db.client.connection.state"] for each in names] == ["idle", "used"]
    assert {each["db.client.connection.pool.name"] for each in names} == {POOL}


def test_a_forked_child_counts_from_zero_and_off_is_off(folder: Path) -> None:
    off = "active.switch_off()\nsay()\nfrom nutrace.speedups import chosen\n"
    on = "active.switch_on(chosen('connection_pool'))\nexecute_one('SELECT 1', (), 'log.db')\nsay()\n"
    parent, child, after, again = reported(folder, SDK + RUN + SAY + CHILD + off + on)
    assert sum(values(parent, POOL, "nutrace.pool.checkouts")) > 10
    assert values(child, POOL, "nutrace.pool.checkouts") == [1, 1]
    assert values(child, POOL, "db.client.connection.count") == [1, 0]  # the open one is not in use
    assert values(child, LIGHTS, "nutrace.cache.hits") == [0]
    # Another series: the parent's would seem to fall.
    assert all("process.pid" in point[4] for point in child["points"])
    assert not any("process.pid" in point[4] for point in parent["points"])
    assert after == {"points": [], "figures": {}}
    assert values(again, POOL, "nutrace.pool.checkouts") == [1, 0]
    assert values(again, LIGHTS, "nutrace.cache.hits") == []


def test_the_api_is_not_imported_for_it(folder: Path) -> None:
    source = (
        RUN
        + "print('reported', '\"opentelemetry.metrics\"' if 'opentelemetry.metrics' in sys.modules else 0)"
    )
    assert reported(folder, source) == [0]


def test_a_provider_that_the_environment_names_is_the_programs_to_load(folder: Path) -> None:
    """OTEL_PYTHON_METER_PROVIDER: whoever asks first loads it, and then no other can be set."""
    assert reported(folder, SDK + RUN + SAY, OTEL_PYTHON_METER_PROVIDER="sdk_meter_provider")[0]["points"]


def test_one_that_is_refused_or_fails_has_no_points(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "log.db").symlink_to(folder / "log.db")
    put_devkit(tmp_path, "import sqlite3\n")
    fail = (
        "\ndef stats():\n    raise OSError('no figures')\nactive._installations[0].part.stats = stats\nsay()"
    )
    source = SDK + "import nuplan.database.nuplan_db.query_session\n" + SAY + fail
    file = write(tmp_path, BEGIN + source)
    given = {"NUTRACE_SPEEDUPS": f"{LIGHTS},{POOL}"}
    ended = finish(tmp_path, start(tmp_path, ["-W", "ignore", file.name], traced=False, variables=given))
    assert ended.code == 0
    refused, failed = [json.loads(line[len("reported ") :]) for line in ended.out.splitlines()]
    assert {point[4]["nutrace.speedup.name"] for point in refused["points"]} == {LIGHTS}
    assert failed["points"] == []
    assert failed["figures"].keys() == {POOL}
    reported = ended.err.splitlines()
    assert "connection_pool does not fit this program" in reported[0]
    fault = "nutrace: fault in nutrace (the program goes on): reading figures of"
    assert reported[1:] == [f"{fault} {LIGHTS}: OSError: no figures"]


def test_every_figure_has_a_name_and_a_unit() -> None:
    known = {*COUNTERS, *(measure.figure for measure in MEASURES)}
    for row in SPEEDUPS:
        try:
            part = row.build(row.options())
        except MissingDependencyError:
            continue
        try:
            unknown = set(part.stats()) - known
        finally:
            part.close()
        assert not unknown, f"figures of {row.name} that nutrace.speedups.measures does not know"
    (copied,) = measures(["bytes_copied"])["nutrace.speedup.bytes_copied"]
    assert (copied.unit, copied.rises, copied.value({"bytes_copied": 5})) == ("By", True, 5)
    (spent,) = measures(["odd_ns"])["nutrace.speedup.odd"]
    assert (spent.unit, spent.rises, spent.value({"odd_ns": 2_000_000_000})) == ("s", False, 2.0)
