"""The real devkit on a log without indexes: made in the log, and every output as it was.

In a copy, they are among all speedups, whose runs are another file's.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from devkit import MARKS
from test_devkit_speedups import RUNNER, STEPS, Cell, assert_equal, data_of, simulated

from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of

pytestmark = [*MARKS, pytest.mark.timeout(900), pytest.mark.xdist_group("devkit-indexes")]

TABLES = ("lidar_box", "traffic_light_status")
CELL = Cell("simple", "unindexed")


def test_outputs_are_equal(devkit_data: Path, tmp_path: Path) -> None:
    runner = tmp_path / "runner.py"
    runner.write_text(RUNNER, encoding="utf-8")
    data = data_of(CELL, devkit_data, tmp_path)
    (log,) = data.rglob("*.db")
    before = log.read_bytes()
    stock = simulated(data, tmp_path / "stock", CELL, "", runner, traced=True)
    assert log.read_bytes() == before

    changed = simulated(data, tmp_path / "in-place", CELL, "indexes", runner, traced=True)
    assert_equal(stock, changed, "indexes", scenarios=1)
    assert [line.startswith("nutrace: indexes: ") for line in changed.stderr.splitlines()].count(True) == 2
    asked, queries = stock.traced.database, changed.traced.database
    assert (queries.all.count, queries.all.rows) == (asked.all.count, asked.all.rows)
    assert queries.steps == STEPS
    figures = changed.traced.speedups["indexes"].figures
    counted = {name: figures[name] for name in ("indexes_made", "refused", "failed")}
    assert counted == {"indexes_made": 2, "refused": 0, "failed": 0}

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
