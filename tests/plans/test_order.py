"""Where the plans prove it, rows come in the same order with an index as without."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import Dict, Iterator, Optional, Tuple

import pytest

from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of

INDEX = "CREATE INDEX by_pc ON boxes (pc)"
JOIN = "SELECT b.* FROM frames AS f JOIN boxes AS b ON f.token = b.pc WHERE f.token = 3"

#: Statement: the indexes that it searches by instead of scanning; None if its order is not certain.
KNOWN: Dict[str, Optional[Tuple[str, ...]]] = {
    JOIN: ("by_pc",),
    "SELECT * FROM boxes WHERE pc = 3": ("by_pc",),
    "SELECT * FROM boxes WHERE pc = 3 LIMIT 2 OFFSET 1": ("by_pc",),
    "SELECT * FROM boxes WHERE pc = 3 AND size > 2 ORDER BY size": ("by_pc",),
    "SELECT pc FROM boxes WHERE pc = 3": ("by_pc",),
    "SELECT size, SUM(weight) FROM boxes WHERE pc = 3 GROUP BY size": ("by_pc",),
    "SELECT b.*, k.name FROM boxes AS b JOIN kinds AS k ON k.token = b.kind WHERE b.pc = 3": ("by_pc",),
    "SELECT * FROM boxes": (),
    "SELECT * FROM boxes WHERE size = 3": (),
    "SELECT * FROM frames WHERE token = 3": (),
    "SELECT * FROM boxes WHERE pc IN (4, 3)": None,
    "SELECT * FROM boxes WHERE pc IN (SELECT token FROM frames WHERE time < 5)": None,
    "SELECT * FROM boxes WHERE pc = 3 ORDER BY rowid DESC": None,
    "SELECT * FROM boxes WHERE pc > 3": None,
    "SELECT * FROM boxes WHERE pc = 3 OR pc = 2": None,
    "SELECT * FROM boxes ORDER BY pc": None,
    "SELECT pc, COUNT(*) FROM boxes GROUP BY pc": None,
    "SELECT DISTINCT pc FROM boxes": None,
    # The loops are exchanged: frames first, and then their boxes.
    "SELECT b.*, f.time FROM boxes AS b JOIN frames AS f ON b.pc = f.number WHERE f.time < 5": None,
}
OTHERS = {
    "its second column comes before the rowid": "CREATE INDEX by_pc ON boxes (pc, size)",
    "partial": "CREATE INDEX by_pc ON boxes (pc) WHERE pc IS NOT NULL",
    "on an expression": "CREATE INDEX by_pc ON boxes (pc, size + 1)",
}


def make(*more: str, table: str = "boxes (pc INT, size INT, weight REAL, kind INT)") -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    chance = random.Random(7)
    connection.execute("CREATE TABLE frames (token INTEGER UNIQUE, time INT, number INT)")
    connection.execute("CREATE TABLE kinds (token INTEGER UNIQUE, name TEXT)")
    connection.execute(f"CREATE TABLE {table}")
    tokens = chance.sample(range(9), 9)
    connection.executemany("INSERT INTO frames VALUES (?, ?, ?)", [(n, 9 - n, 8 - n) for n in tokens])
    connection.executemany("INSERT INTO kinds VALUES (?, ?)", [(n, f"kind {n}") for n in range(5)])
    # The rows of a frame are not neighbours, and several are equal in all columns they are sorted by.
    rows = [
        (chance.randrange(9), n % 5, chance.random() * 10**n, n % 5) for n in chance.sample(range(300), 300)
    ]
    marks = ", ".join("?" * 4)
    connection.executemany(f"INSERT OR IGNORE INTO boxes VALUES ({marks})", rows)
    for ddl in more:
        connection.execute(ddl)
    return connection


@pytest.fixture
def stock() -> Iterator[sqlite3.Connection]:
    with closing(make()) as connection:
        yield connection


def judged(before: sqlite3.Connection, after: sqlite3.Connection, text: str) -> Optional[Tuple[str, ...]]:
    return spared(plan_of(before, text), plan_of(after, text), after, text)


@pytest.mark.parametrize("text", KNOWN)
def test_a_verdict_and_the_rows(stock: sqlite3.Connection, text: str) -> None:
    with closing(make(INDEX)) as indexed:
        verdict = judged(stock, indexed, text)
        assert verdict == KNOWN[text]
        if verdict is not None:
            assert indexed.execute(text).fetchall() == stock.execute(text).fetchall()


def test_what_a_view_hides() -> None:
    views = "CREATE VIEW some AS SELECT * FROM boxes WHERE pc IN (4, 3)"
    text = "SELECT * FROM some WHERE size > 1"
    with closing(make(views)) as before, closing(make(views, INDEX)) as after:
        assert "by_pc" in " ".join(plan_of(after, text))
        assert judged(before, after, text) is None


def test_it_matters(stock: sqlite3.Connection) -> None:
    turned = []
    with closing(make(INDEX)) as indexed:
        for text, verdict in KNOWN.items():
            if verdict is None and indexed.execute(text).fetchall() != stock.execute(text).fetchall():
                turned.append(text)
    assert len(turned) >= 4


@pytest.mark.parametrize("reason", OTHERS)
def test_indexes_that_keep_another_order(stock: sqlite3.Connection, reason: str) -> None:
    with closing(make(OTHERS[reason])) as indexed:
        plan = " ".join(plan_of(indexed, JOIN))
        assert "by_pc" in plan
        assert judged(stock, indexed, JOIN) is None


def test_a_table_without_rowids() -> None:
    table = "boxes (pc INT, size INT, weight REAL, kind INT, PRIMARY KEY (weight)) WITHOUT ROWID"
    with closing(make(table=table)) as before, closing(make(INDEX, table=table)) as after:
        assert "by_pc" in " ".join(plan_of(after, JOIN))
        assert judged(before, after, JOIN) is None


def test_an_index_that_sqlite_makes_for_itself_keeps_another_order() -> None:
    text = "SELECT f.token, b.size FROM kinds AS f CROSS JOIN boxes AS b ON b.pc = f.token"
    with closing(make()) as before, closing(make(INDEX)) as after:
        assert "AUTOMATIC" in " ".join(plan_of(before, text))
        assert judged(before, after, text) is None
