"""A statement whose execute is slow, and one whose rows are: ``statements.py ROUNDS``.

The first sorts, so that execute does everything; the second computes each row when it is fetched. Their
tables have the statements' names, as tools leave literals out of texts.
"""

from __future__ import annotations

import sqlite3
import sys

from truth.known import burnt, calls, clock, run

ROUNDS = int(sys.argv[1])
ROWS = 20
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300 + t.a)"
_COUNT = f"({_NUMBERS} SELECT sum(i) FROM n)"
STATEMENTS = {
    "slow_execute": f"SELECT {_COUNT} AS s FROM slow_execute AS t ORDER BY s",
    "slow_fetch": f"SELECT {_COUNT} AS s FROM slow_fetch AS t",
}


def main() -> None:
    connection = sqlite3.connect(":memory:")
    for name in STATEMENTS:
        connection.execute(f"CREATE TABLE {name} (a INTEGER)")
        connection.executemany(f"INSERT INTO {name} VALUES (?)", [(number,) for number in range(ROWS)])
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            cursor = connection.cursor()
            began = clock()
            cursor.execute(statement)
            burnt[name] += clock() - began
            while True:
                began = clock()
                row = cursor.fetchone()
                burnt[name] += clock() - began
                if row is None:
                    break
    connection.close()
    calls.update(slow_execute=ROUNDS, slow_fetch=ROUNDS)


run(main)
