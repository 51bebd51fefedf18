"""The words in which SQLite and Python's sqlite3 say what went wrong.

What stands behind them in a message may be a name, a value or a part of the statement.
"""

from __future__ import annotations

import re

#: Words of SQLite before something that it quotes, as they stand anywhere in a message that repeats its own.
QUOTING = re.compile(
    r"\b(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed|\bno such (?:table|column|function|index): "
    r"|\bunable to open database: |\bJSON path error near |\bbad JSON path: |\bunrecognized token: "
    r"|\bnear \".{1,1000}\": syntax error|\bCould not decode to UTF-8 column |\bno such access mode: ",
    re.DOTALL,
)
#: A message begins with one of them, or ends with the first.
_PHRASES = (
    *(": syntax error", "UNIQUE constraint failed", "NOT NULL constraint failed", "CHECK constraint failed"),
    *("FOREIGN KEY constraint failed", "datatype mismatch", "no such table", "no such column"),
    *(
        "no such function",
        "no such index",
        "no such module",
        "no such savepoint",
        "no such collation sequence",
    ),
    *("ambiguous column name", "incomplete input", "unrecognized token", "too many SQL variables"),
    *("database is locked", "database table is locked", "database schema is locked", "locking protocol"),
    *("database schema has changed", "database disk image is malformed", "malformed database schema"),
    *("file is not a database", "database or disk is full", "disk I/O error", "unable to open database file"),
    *("unable to open database", "attempt to write a readonly database", "access permission denied"),
    *("out of memory", "string or blob too big", "interrupted", "not authorized", "authorization denied"),
    *("bad parameter or other API misuse", "column index out of range", "cannot start a transaction within"),
    *("cannot commit", "cannot rollback", "user-defined function raised exception", "JSON path error"),
    *("bad JSON path", "malformed JSON", "integer overflow", "Could not decode to UTF-8", "no such database"),
    *("Incorrect number of bindings supplied", "You did not supply a value for binding"),
    *(
        "You can only execute one statement at a time",
        "Error binding parameter",
        "Cannot operate on a closed",
    ),
    *("Recursive use of cursors not allowed", "SQLite objects created in a thread can only be used in that"),
    *("Base Connection.__init__ not called", "Base Cursor.__init__ not called", "the query contains a null"),
    *("Python int too large to convert to SQLite INTEGER", "executemany() can only execute DML statements"),
)


def phrase_of(message: str) -> str:
    """The words among a message that are SQLite's own; "" if it has none of these."""
    for phrase in _PHRASES:
        if message.startswith(phrase):
            return phrase
    return "syntax error" if message.endswith(_PHRASES[0]) else ""
