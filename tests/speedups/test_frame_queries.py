"""Which queries may be asked for many frames at once: by their text, and by SQLite's plans."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nutrace.speedups.scenario_prefetch.frame_queries import SCHEMA, frame_query, same_order

MARKS = "?, ?"


@pytest.mark.parametrize(
    ("query", "of_two"),
    [
        ("SELECT a FROM t WHERE token = ?", f"SELECT a \n, token FROM t WHERE token IN ({MARKS})"),
        (
            "SELECT a, b c FROM t AS u WHERE u.k == ? ;",
            f"SELECT a, b c \n, u.k FROM t AS u WHERE u.k IN ({MARKS})",
        ),
        (
            'select a -- of, FROM\nfrom t join "s" on s.a = t.a or t.b > 3 where [u v]."k ?" = ?',
            'select a -- of, FROM\n\n, [u v]."k ?" from t join "s" on s.a = t.a or t.b > 3 '
            f'where [u v]."k ?" IN ({MARKS})',
        ),
        (
            "SELECT CASE WHEN a == 'WHERE ?' THEN 1 ELSE 2 END AS x FROM t WHERE k = ?",
            f"SELECT CASE WHEN a == 'WHERE ?' THEN 1 ELSE 2 END AS x \n, k FROM t WHERE k IN ({MARKS})",
        ),
        ("SELECT * FROM t WHERE k = ?", f"SELECT * \n, k FROM t WHERE k IN ({MARKS})"),
    ],
)
def test_what_is_one_frames_is_asked_for_many(query: str, of_two: str) -> None:
    parsed = frame_query(query)
    assert parsed is not None
    assert parsed.of_many(2) == of_two


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t WHERE k = ? ORDER BY a",
        "SELECT a FROM t WHERE k = ? LIMIT 1",
        "SELECT DISTINCT a FROM t WHERE k = ?",
        "SELECT MAX(a) FROM t WHERE k = ?",
        "SELECT a FROM t WHERE k = ? GROUP BY a",
        "SELECT a FROM t WHERE k = ? AND a > 3",
        "SELECT a FROM t WHERE a > 3 AND k = ?",
        "SELECT a FROM t WHERE a > 3 OR k = ?",
        "SELECT a FROM t WHERE NOT k = ?",
        "SELECT a FROM t WHERE k > ?",
        "SELECT a FROM t WHERE k IS ?",
        "SELECT a FROM t WHERE k = ?1",
        "SELECT a FROM t WHERE k = :k",
        "SELECT a FROM t WHERE ? = k",
        "SELECT a FROM t WHERE -k = ?",
        "SELECT a FROM t WHERE k IN (?)",
        "SELECT a, ? FROM t WHERE k = ?",
        "SELECT a FROM t LEFT JOIN s ON s.a = t.a WHERE k = ?",
        "SELECT a FROM t JOIN s USING (a) WHERE k = ?",
        "SELECT a FROM t NATURAL JOIN s WHERE k = ?",
        "SELECT a FROM t JOIN s ON s.a IS t.a WHERE k = ?",
        "SELECT a FROM t WHERE a = 1 UNION SELECT a FROM s WHERE k = ?",
        "WITH u AS (SELECT a FROM t) SELECT a FROM u WHERE k = ?",
        "SELECT a FROM (SELECT a, k FROM t) WHERE k = ?",
        "SELECT RANDOM() FROM t WHERE k = ?",
        "SELECT CURRENT_TIME FROM t WHERE k = ?",
        "SELECT a FROM pragma_table_list WHERE k = ?",
        "UPDATE t SET a = 1 WHERE k = ?",
        "SELECT a WHERE k = ?",
        "SELECT a FROM t",
        "",
    ],
)
def test_what_is_left_alone(query: str) -> None:
    assert frame_query(query) is None


LP = "SEARCH lp USING INDEX sqlite_autoindex_lidar_pc_1 (token=?)"
LB = "SEARCH lb USING INDEX ix_lidar_box_lidar_pc_token (lidar_pc_token=?)"
KNOWN = frozenset({("sqlite_autoindex_lidar_pc_1", 1), ("two", 2)})


@pytest.mark.parametrize(
    ("one", "many", "same"),
    [
        ([LP, "SCAN lb"], ["SCAN lb", LP], True),
        ([LP, LB], [LP, LB], True),
        # As versions before 3.36 say it.
        (
            [
                "SEARCH TABLE lidar_pc AS lp USING INDEX sqlite_autoindex_lidar_pc_1 (token=?)",
                "SCAN TABLE b AS lb",
            ],
            ["SCAN TABLE b AS lb", "SEARCH TABLE lidar_pc AS lp USING INTEGER PRIMARY KEY (rowid=?)"],
            True,
        ),
        (["SCAN a", "SCAN b"], ["SCAN a", "BLOOM FILTER ON b (x=?)", "SCAN b"], True),
        (["SCAN a", "SCAN b"], ["SCAN b", "SCAN a"], False),
        ([LB], ["SCAN lb"], False),
        (["SCAN lb"], ["SCAN lb USING COVERING INDEX x"], False),
        # Not unique, or not by all of its columns: it may give more than one row.
        (
            ["SCAN a", "SEARCH b USING INDEX other (x=?)"],
            ["SEARCH b USING INDEX other (x=?)", "SCAN a"],
            False,
        ),
        (["SCAN a", "SEARCH b USING INDEX two (x=?)"], ["SEARCH b USING INDEX two (x=?)", "SCAN a"], False),
        (["SCAN a", "SEARCH b USING INDEX two (x=? AND y=?)"], ["SCAN a"], True),
        (["SCAN a", "SEARCH b USING INDEX two (x=? AND y>?)"], ["SCAN a"], False),
        (["SCAN a", "SEARCH b USING INTEGER PRIMARY KEY (rowid>?)"], ["SCAN a"], False),
        (["SCAN b", "SEARCH lb USING AUTOMATIC COVERING INDEX (x=?)"],) * 2 + (False,),
        (["SCAN a", "USE TEMP B-TREE FOR ORDER BY"],) * 2 + (False,),
        (["MULTI-INDEX OR", "INDEX 1", "SCAN a"],) * 2 + (False,),
        (["SCAN a VIRTUAL TABLE INDEX 0:"],) * 2 + (False,),
    ],
)
def test_plans(one: Sequence[str], many: Sequence[str], same: bool) -> None:
    assert same_order(one, many, KNOWN) is same
    assert not same_order(one, many, KNOWN | {("sqlite_stat4", 0)})


QUERIES = (
    "SELECT b.value, b.rowid FROM boxes AS b WHERE b.frame = ?",
    "SELECT b.value, f.time FROM boxes AS b JOIN frames AS f ON f.token = b.frame WHERE f.token = ?",
    "SELECT f.time, b.value FROM frames AS f JOIN boxes AS b ON f.token = b.frame WHERE f.token = ?",
    "SELECT b.value, t.name FROM boxes AS b JOIN tracks AS t ON t.id = b.track "
    "JOIN frames AS f ON f.token = b.frame WHERE f.token = ?",
    "SELECT b.value, t.name FROM tracks AS t, boxes AS b WHERE b.frame = ?",
    "SELECT * FROM frames JOIN boxes ON boxes.frame = frames.token AND boxes.value > 1 WHERE token = ?",
)
TOKENS = [b"a", b"b", b"c", b"d"]
INDEXES = (
    "CREATE INDEX one ON boxes (frame)",
    "CREATE INDEX two ON boxes (frame, value)",
    "CREATE INDEX three ON boxes (track, frame)",
    "CREATE UNIQUE INDEX four ON frames (token)",
    "CREATE UNIQUE INDEX five ON tracks (id, name)",
    "CREATE INDEX six ON tracks (id)",
    "ANALYZE",
)


@given(
    st.lists(st.tuples(st.sampled_from(TOKENS), st.integers(0, 3), st.integers(0, 5)), max_size=25),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xyz")), max_size=5, unique=True),
    st.sets(st.sampled_from(INDEXES)),
    st.lists(st.sampled_from(TOKENS), unique=True, min_size=4),
)
@example([(b"a", 1, 2), (b"b", 1, 1), (b"a", 2, 1)], [(1, "x"), (2, "y")], set(), TOKENS)
def test_rows_are_those_of_each_frame_in_their_order(
    boxes: List[Any], tracks: List[Any], indexes: Any, frames: List[bytes]
) -> None:
    """Whatever the rows and indexes: where the plans are said to agree, they do."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE frames (token BLOB, time INTEGER)")
    connection.execute("CREATE TABLE boxes (frame BLOB, track INTEGER, value INTEGER)")
    connection.execute("CREATE TABLE tracks (id INTEGER, name TEXT)")
    connection.executemany(
        "INSERT INTO frames VALUES (?, ?)", [(token, at) for at, token in enumerate(frames)]
    )
    connection.executemany("INSERT INTO boxes VALUES (?, ?, ?)", boxes)
    connection.executemany("INSERT INTO tracks VALUES (?, ?)", tracks)
    for index in sorted(indexes, key=INDEXES.index):
        connection.execute(index)
    schema = frozenset(connection.execute(SCHEMA).fetchall())
    for query in QUERIES[:4] + QUERIES[5:]:
        parsed = frame_query(query)
        assert parsed is not None
        many = parsed.of_many(len(TOKENS))
        plans = [_plan(connection, query, TOKENS[:1]), _plan(connection, many, TOKENS)]
        if not same_order(plans[0], plans[1], schema):
            continue
        by_frame: Dict[bytes, List[Tuple[Any, ...]]] = {token: [] for token in TOKENS}
        for row in connection.execute(many, TOKENS):
            by_frame[row[-1]].append(row[:-1])
        for token in TOKENS:
            assert by_frame[token] == connection.execute(query, [token]).fetchall()
    connection.close()


def _plan(connection: sqlite3.Connection, query: str, parameters: Sequence[bytes]) -> List[str]:
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + query, parameters)]


def test_a_comma_join_is_a_join() -> None:
    assert frame_query(QUERIES[4]) is not None
