"""A history: which runs share a line, and what is said of several runs of a revision."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Dict

import pytest
from fakes.otlp import RESOURCE, trace_of
from fakes.series import COMPONENTS, HERE, history_run

from nutrace.analysis import report
from nutrace.comparison import measure
from nutrace.comparison.history import history_run as reduced
from nutrace.comparison.history import series_of, spread
from nutrace.trace import Trace

C = "nutrace.component"


def _trace(path: Path, **told: Any) -> Trace:
    steps = []
    for index, ms in enumerate((100, 140, 90, 120, 400)):
        begin = index * 500_000
        steps.append(
            (
                "simulation.step",
                begin,
                begin + ms * 1000,
                [
                    ("planner.compute", begin + 1_000, begin + 30_000, {C: "planner"}),
                    (
                        "sqlite3.statement",
                        begin + 40_000,
                        begin + 60_000,
                        {C: "database", "db.system.name": "sqlite", "db.query.text": "SELECT 1"},
                    ),
                ],
                {C: "simulation", "nutrace.step.index": index, "nutrace.step.simulated_interval_s": 0.1},
            )
        )
    run = {C: "simulation", "nuplan.scenario.token": "abc", "nuplan.planner.name": "IDM"}
    return trace_of(path, ("simulation.run", 0, 3_000_000, steps, run), resource={**RESOURCE, **told})


def test_figures_are_those_of_the_report(tmp_path: Path) -> None:
    trace = _trace(tmp_path, **{"vcs.ref.head.revision": "f" * 40, "vcs.ref.head.name": "main"})
    run, told = reduced(measure(trace)), report(trace)
    assert run.figures["steps.p50_ms"] == told.steps.p50_ns / 1e6 == 120
    assert run.figures["steps.p95_ms"] == told.steps.p95_ns / 1e6
    assert run.figures["steps.mean_ms"] == pytest.approx(told.steps.mean_ns / 1e6)
    assert run.figures["steps.realtime_factor"] == pytest.approx(told.steps.realtime_factor)
    assert run.figures["database.statements_per_step"] == 1
    assert run.components == pytest.approx(
        {cost.component: cost.self_ns / 1e6 / 5 for cost in told.components}
    )
    assert sum(run.components.values()) == pytest.approx(told.steps.mean_ns / 1e6)
    assert (run.revision, run.branch, run.steps, run.began_ns) == ("f" * 40, "main", 5, trace.begin_ns)


def test_circumstances_in_words(tmp_path: Path) -> None:
    settings = {"level": "fine", "probes": "/home/me/probes.toml", "output": "/tmp/a.json", "sample": 0.0}
    told = {
        "process.command_args": ["/usr/bin/python", "run.py", "--log=/data/x.db", "a=b=/c/d", "/tmp/out/"],
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.9.19",
        "nutrace.settings": json.dumps(settings),
    }
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    run = reduced(measure(_trace(tmp_path / "one", **told)))
    assert run.circumstances.host == "testhost"
    assert run.circumstances.command == "python run.py --log=x.db a=b=d out"
    assert run.circumstances.configuration == (
        "cpython 3.9; planner IDM; 1 scenario (abc); level fine, probes probes.toml"
    )
    settings["output"] = "/tmp/b.json"
    told["nutrace.settings"] = json.dumps(settings)
    told["process.runtime.version"] = "3.9.20"
    assert reduced(measure(_trace(tmp_path / "other", **told))).circumstances == run.circumstances


@pytest.mark.parametrize(
    "changed",
    [{"host": "other"}, {"command": "python other.py"}, {"configuration": "cpython 3.11"}],
)
def test_runs_in_other_circumstances_are_another_series(changed: Dict[str, str]) -> None:
    runs = [history_run(number, "a" * 40, COMPONENTS) for number in range(3)]
    runs.append(history_run(3, "a" * 40, COMPONENTS, circumstances=replace(HERE, **changed)))
    one, other = series_of(runs)
    assert (len(one.runs), len(other.runs)) == (1, 3)  # the latest run comes first


def test_revisions_by_their_first_run() -> None:
    names = ["b", "a", "b", "c", "a", "", ""]
    runs = [history_run(number, name * 40, COMPONENTS) for number, name in enumerate(names)]
    random.Random(1).shuffle(runs)
    (series,) = series_of(runs)
    assert [(each.revision[:1], len(each.runs)) for each in series.revisions] == [
        ("b", 2),
        ("a", 2),
        ("c", 1),
        ("", 1),
        ("", 1),
    ]


def test_components_of_a_revision_add_up() -> None:
    runs = [history_run(0, "a", {"planner": 10.0}), history_run(1, "a", {"planner": 20.0, "gc": 4.0})]
    (series,) = series_of(runs)
    assert series.revisions[0].component_means() == {"gc": 2.0, "planner": 15.0}


def test_spread_of_few_runs() -> None:
    assert spread([]) is None
    assert spread([None]) is None
    one = spread([3.0, None])
    assert one is not None
    assert (one.runs, one.middle, one.low, one.confidence) == (1, 3.0, None, None)
    three = spread([3.0, 1.0, 2.0])
    assert three is not None
    assert (three.middle, three.low, three.high, three.confidence) == (2.0, 1.0, 3.0, 0.75)


def test_spread_of_thousands_of_runs() -> None:
    many = spread(map(float, range(3000)))
    assert many is not None
    assert many.low is not None
    assert many.high is not None
    assert many.confidence == pytest.approx(0.95, abs=0.005)
    assert many.high - many.low == pytest.approx(2 * 1.96 * 3000**0.5 / 2, rel=0.02)  # the normal's


@pytest.mark.parametrize("runs", [2, 5, 6, 9, 20])
def test_the_interval_holds_the_true_median_as_often_as_it_says(runs: int) -> None:
    dice, trials = random.Random(runs), 4000
    holds, said = 0, 0.0
    for _ in range(trials):
        values = [dice.expovariate(1) for _ in range(runs)]
        found = spread(values)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.confidence is not None
        assert found.middle == median(values)
        holds += found.low <= 0.6931 <= found.high  # the median of that distribution is ln 2
        said = found.confidence
    assert holds / trials == pytest.approx(said, abs=0.02)
    assert said >= 0.95 or runs < 6
