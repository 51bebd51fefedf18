"""Texts and parameters of statements: which count as equal, and which as different."""

from __future__ import annotations

import collections
import datetime
import enum
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.probes.sqlite.parameters import parameters_hash
from nutrace.sql.text import LONGEST, normalise, statement_of


@pytest.mark.parametrize(
    ("sql", "folded"),
    [
        ("select  a -- why\n from t /* and\nhow */;", "select a from t"),
        (
            "SELECT * FROM t WHERE a=5 AND b='it''s' AND c > -1.5e3",
            "SELECT * FROM t WHERE a = ? AND b = ? AND c > ?",
        ),
        ("SELECT a-1 FROM t WHERE x = x'ab' OR y=0xFF", "SELECT a - ? FROM t WHERE x = ? OR y = ?"),
        (
            "SELECT 1 WHERE a IN (1,2, 3) AND b in (?,?) AND c IN (:x)",
            "SELECT ? WHERE a IN (?) AND b in (?) AND c IN (?)",
        ),
        ("SELECT a FROM t WHERE a IN (SELECT b FROM u)", "SELECT a FROM t WHERE a IN (SELECT b FROM u)"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b'),(3,'c')", "INSERT INTO t VALUES (?, ?)"),
        ("INSERT INTO t VALUES (?, ?), (?, ?)", "INSERT INTO t VALUES (?, ?)"),
        ('SELECT "a b".c FROM "a b" WHERE n = "Bob"', 'SELECT "a b".c FROM "a b" WHERE n = ?'),
        ('SELECT 1 FROM "u" WHERE "u"."id" = "o"."id"', 'SELECT ? FROM "u" WHERE "u"."id" = "o"."id"'),
        (
            "SELECT count(*), max( a ) FROM t ORDER BY 1, 2 LIMIT 5",
            "SELECT count(*), max(a) FROM t ORDER BY 1, 2 LIMIT ?",
        ),
        ("SELECT a FROM t WHERE b = :name AND c = ?2", "SELECT a FROM t WHERE b = :name AND c = ?2"),
        ("SELECT 'unterminated", "SELECT ?"),
        ("SELECT 1_000, 5secret, 0xffsecret, `secret", "SELECT ?, ?, ?, ?"),
        ("SELECT $$secret$$, $a$sec'ret$a$, $name(secret), :x", "SELECT ?, ?, $name(?), :x"),
        ("SELECT 1 FROM t ORDER BY 1, 'secret'", "SELECT ? FROM t ORDER BY 1, ?"),
        # A string with a quote in it, put between quotes.
        (
            "SELECT a FROM t WHERE a = 1 AND b = 'O'Neil secret' AND c = 'd'",
            "SELECT a FROM t WHERE a = ? AND b = …",
        ),
        ("SELECT a FROM t WHERE b = 'O' secret'", "SELECT a FROM t WHERE b = …"),
        ("SELECT E'it\\'s secret'", "SELECT E …"),
        ('SELECT a FROM t WHERE b = "it\\"s secret"', "SELECT a FROM t WHERE b = …"),
        # Names in double quotes, and what SQLite takes for text.
        ('SELECT "secret"', "SELECT ?"),
        ('SELECT a AS "b" FROM "t" "u", "v" JOIN "w"', 'SELECT a AS "b" FROM "t" ?, "v" JOIN "w"'),
        ('SELECT f(a, "secret") || "secret"', "SELECT f(a, ?) || ?"),
        ('SELECT 1 FROM t WHERE "a" = ? AND "b" IS NULL', 'SELECT ? FROM t WHERE "a" = ? AND "b" IS NULL'),
        ('SELECT 1 FROM t WHERE "secret" = a LIMIT "secret"', "SELECT ? FROM t WHERE ? = a LIMIT ?"),
        ('SELECT 1 FROM t GROUP BY "a", "b" ORDER BY "c"', 'SELECT ? FROM t GROUP BY "a", "b" ORDER BY "c"'),
        ('INSERT INTO "t" ("a", "b") VALUES ("secret", ?)', 'INSERT INTO "t"("a", "b") VALUES (?, ?)'),
        ('UPDATE "t" SET "a" = "secret", "b" = "t"."c"', 'UPDATE "t" SET "a" = ?, "b" = "t"."c"'),
        ('CREATE TABLE "t" ("a" TEXT DEFAULT "secret")', 'CREATE TABLE "t"("a" TEXT DEFAULT ?)'),
        # Keys.
        ("PRAGMA key = secret", "PRAGMA key = ?"),
        ("PRAGMA main.hexkey(\"x'secret'\")", "PRAGMA main.hexkey(?)"),
        ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode = WAL"),
        ('PRAGMA main.table_info("t")', 'PRAGMA main.table_info("t")'),
        ("ATTACH 'secret' AS x KEY secret", "ATTACH ? AS x KEY ?"),
        ('ATTACH DATABASE "secret" AS "x" KEY "secret"', 'ATTACH DATABASE ? AS "x" KEY ?'),
        ('VACUUM INTO "secret"', "VACUUM INTO ?"),
        ("", ""),
    ],
)
def test_what_is_folded(sql: str, folded: str) -> None:
    assert normalise(sql).text == folded
    assert normalise(folded).text == folded


@pytest.mark.parametrize(
    ("sql", "operation"),
    [
        ("select 1", "SELECT"),
        ("  -- x\nINSERT INTO t SELECT 1", "INSERT"),
        ("WITH a AS (SELECT 1) UPDATE t SET b = 1", "UPDATE"),
        ("PRAGMA user_version", "PRAGMA"),
        ("", ""),
    ],
)
def test_operations(sql: str, operation: str) -> None:
    assert normalise(sql).operation == operation


def test_values_in_the_text_are_parameters() -> None:
    one, other, again = (normalise(f"SELECT a FROM t WHERE a = {n}") for n in (1, 2, 1))
    assert one.text == other.text
    assert (
        parameters_hash(one.literals, ())
        == parameters_hash(again.literals, ())
        != parameters_hash(other.literals, ())
    )


def test_long_texts_are_cut_and_told_apart() -> None:
    begin = "SELECT a FROM t WHERE a IN (" + ", ".join(map(str, range(LONGEST)))
    one, other = normalise(begin + ", 1)"), normalise(begin + ", 2)")
    assert one.text == other.text
    assert one.literals != other.literals


@given(st.text(alphabet="'\"`[]()-/*,;.? :@$ax1\n=INVALUES", max_size=200))
def test_any_text_can_be_folded(sql: str) -> None:
    statement = statement_of(sql)
    assert statement_of(sql) is statement
    assert "\n" not in statement.text.replace('"', "").replace("`", "") or any(c in sql for c in '"`[')


class Colour(enum.Enum):
    RED = 1


class Text(str):
    pass


Named = collections.namedtuple("Named", "a b")


class Opaque:
    __slots__ = ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "a"), [1, "a"]),
        ((1, 2), Named(1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((b"x",), (memoryview(b"x"),)),
        (("x",), (Text("x"),)),
        ((datetime.date(2020, 1, 1),), (datetime.date(2020, 1, 1),)),
        ((Colour.RED,), (Colour.RED,)),
    ],
)
def test_equal_parameters(one: Any, other: Any) -> None:
    assert parameters_hash(b"", one) == parameters_hash(b"", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (2,)),
        ((1,), ("1",)),
        ((1,), (1.0,)),
        ((None,), ()),
        ({"a": 1}, {"b": 1}),
        ((Opaque(),), (Opaque(),)),  # their values cannot be seen, so they are never equal
    ],
)
def test_different_parameters(one: Any, other: Any) -> None:
    assert parameters_hash(b"", one) != parameters_hash(b"", other)


def test_rows_as_parameters() -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT 1, 'a'").fetchone()
    connection.close()
    assert len(parameters_hash(b"", row)) == 16
