"""What statements may do that were not written here: those of a run file, and those of a log's schema.

SQLite asks an authorizer before it compiles each part of a statement:
https://sqlite.org/c3ref/set_authorizer.html. That is needed even where statements are only explained,
because ``EXPLAIN PRAGMA`` executes many a pragma.
"""

from __future__ import annotations

import sqlite3
from typing import Optional

_RECURSIVE = 33  # https://sqlite.org/c3ref/c_alter_table.html; Python 3.9 has no name for it
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, _RECURSIVE)
_PRAGMAS = ("table_info", "index_list", "index_info")  # which read the schema, and have nothing to set
_MAKING = (sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_VIEW)
#: Functions that reach files or memory beyond the database.
_FUNCTIONS = frozenset(("edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"))


def only_queries(connection: sqlite3.Connection) -> None:
    """Refuse everything but queries from now on."""
    connection.set_authorizer(_query)


def only_schema(connection: sqlite3.Connection) -> None:
    """Refuse everything but tables without rows, indexes and views from now on."""
    connection.set_authorizer(_schema)


def everything(connection: sqlite3.Connection) -> None:
    """Refuse nothing any more."""
    connection.set_authorizer(_anything)  # None is no such value before Python 3.11


def _query(action: int, one: Optional[str], other: Optional[str], *_: object) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = str(other).lower() not in _FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = str(one).lower() in _PRAGMAS
    elif action == sqlite3.SQLITE_UPDATE:
        # Asked for when json_each or another module declares its columns. Statements cannot change it.
        allowed = one == "sqlite_master"
    else:
        allowed = action in _READING
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _schema(action: int, one: Optional[str], other: Optional[str], *_: object) -> int:
    if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE):
        allowed = one in ("sqlite_master", "sqlite_sequence")
    elif action == sqlite3.SQLITE_SELECT:  # CREATE TABLE ... AS SELECT
        allowed = False
    else:
        allowed = action in (*_MAKING, sqlite3.SQLITE_REINDEX) or _query(action, one, other) == 0
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _anything(*_: object) -> int:
    return sqlite3.SQLITE_OK
