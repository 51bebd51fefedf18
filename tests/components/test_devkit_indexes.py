"""The real devkit on a log without indexes: made in the log or in a copy, and every output as it was."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from devkit import MARKS, devkit_environment, run_python
from test_devkit_components import _RUNNER, simulated

from nutrace.analysis.database import Database, database
from nutrace.analysis.installed_components import installed_components
from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of
from nutrace.trace import load

pytestmark = [*MARKS, pytest.mark.timeout(900), pytest.mark.xdist_group("devkit-indexes")]

TABLES = ("lidar_box", "traffic_light_status")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "data"
    command = ["-m", "nutrace.cli.main", "synth", str(folder), "--seconds", "27", "--no-indexes"]
    done = run_python(command, devkit_environment())
    assert done.returncode == 0, done.stderr
    return folder


def the_log(data: Path) -> Path:
    (log,) = data.rglob("*.db")
    return log


def run(data: Path, top: Path, names: str) -> Tuple[Any, Database, Dict[str, Dict[str, int]], List[str]]:
    """A simulation's outputs, statements, components' figures, and what was said of indexes."""
    top.mkdir()
    runner = top / "runner.py"
    runner.write_text(_RUNNER, encoding="utf-8")
    more = {"NUTRACE_COMPONENTS": names, "XDG_CACHE_HOME": str(top / "cache")}
    more.update(NUTRACE="1", NUTRACE_OUTPUT=str(top / "run.json"))
    stderr, outputs = simulated(data, top, "simple", runner, more)
    trace = load(top / "run.json")
    figures = {each.name: dict(each.figures) for each in installed_components(trace).components}
    said = [line for line in stderr.splitlines() if line.startswith("nutrace: indexes: ")]
    return outputs, database(trace), figures, said


def test_outputs_are_equal(data: Path, tmp_path: Path) -> None:
    log = the_log(data)
    before = log.read_bytes()
    stock, asked, _, _ = run(data, tmp_path / "stock", "")
    assert len(stock["simulations"][0]["traffic_light_status"]) == 149

    composed = "traffic_light_cache,connection_pool,indexes:place=copy"
    outputs, _, figures, said = run(data, tmp_path / "copy", composed)
    assert outputs == stock
    assert log.read_bytes() == before
    assert (figures["indexes"]["indexes_made"], figures["indexes"]["copies_made"]) == (2, 1)
    assert figures["indexes"]["queries_redirected"] > 300
    assert len(said) == 1

    outputs, found, figures, said = run(data, tmp_path / "in-place", "indexes")
    assert outputs == stock
    counted = {name: figures["indexes"][name] for name in ("indexes_made", "refused", "failed")}
    assert counted == {"indexes_made": 2, "refused": 0, "failed": 0}
    assert (found.all.count, found.all.rows) == (asked.all.count, asked.all.rows)
    assert len(said) == 2

    # And why it must be so: by the plans of all that was asked.
    copy = tmp_path / "unindexed.db"
    copy.write_bytes(before)
    with closing(sqlite3.connect(copy)) as plain, closing(sqlite3.connect(log)) as indexed:
        verdicts = {
            each.text: spared(plan_of(plain, each.text), plan_of(indexed, each.text), indexed, each.text)
            for each in asked.statements
            if any(table in each.text for table in TABLES)
        }
    assert sorted(names for names in verdicts.values() if names != ()) == [
        (f"nutrace_{table}_lidar_pc_token",) for table in TABLES
    ]
    shutil.rmtree(data)
