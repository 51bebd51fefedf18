"""Plans are read in the forms that all releases of SQLite write."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from nutrace.plans.query_plan import Access, accesses, plan_of


@pytest.mark.parametrize(
    ("line", "access"),
    [
        ("SCAN tl", Access("tl", True)),
        ("SCAN TABLE traffic_light_status AS tl", Access("tl", True)),
        ("SCAN TABLE scene", Access("scene", True)),
        ("SCAN t USING COVERING INDEX ix", Access("t", False, "ix")),
        ("SCAN TABLE t AS x USING INDEX ix", Access("x", False, "ix")),
        ("SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", Access("t", False)),
        (
            "SEARCH lp USING INDEX sqlite_autoindex_1 (token=?)",
            Access("lp", False, "sqlite_autoindex_1", ("token",)),
        ),
        ("SEARCH t USING COVERING INDEX ix (a=? AND b>? AND b<?)", Access("t", False, "ix", ("a", "b", "b"))),
        ("SEARCH o USING AUTOMATIC COVERING INDEX (token=?)", Access("o", False, automatic=("token",))),
        ("SEARCH TABLE o USING AUTOMATIC PARTIAL COVERING INDEX (a=?)", Access("o", False, automatic=("a",))),
        ("SCAN r VIRTUAL TABLE INDEX 2:", Access("r", False)),
    ],
)
def test_a_line(line: str, access: Access) -> None:
    assert accesses([line]) == (access,)


@pytest.mark.parametrize(
    "line", ["SCAN CONSTANT ROW", "SCAN (subquery-3)", "USE TEMP B-TREE FOR ORDER BY", "MATERIALIZE o", ""]
)
def test_what_reads_no_table(line: str) -> None:
    assert accesses([line]) == ()


@pytest.mark.parametrize("where", ["a = ?", "a = ?1 AND b = ?2", "a = :a AND b = @b", "a IN (?) LIMIT ?"])
def test_parameters_need_no_values(where: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        assert accesses(plan_of(connection, f"SELECT * FROM t WHERE {where}")) == (Access("t", True),)
