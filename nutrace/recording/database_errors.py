"""What of an error may be written, where its message may repeat a statement's parameters.

SQLAlchemy prints the statement and its parameters, SQLite quotes the value that it does not understand, and
an adapter of the program says what it cannot adapt. So of an error of a database call only what cannot
contain data is written: the type, the database's code, and SQLite's own words for what went wrong.

An error is a database call's if its class is of a database package, if it has left a span around a call of a
driver, or if it was raised in code that a database package called. An error that the program raises from such
an error or while handling one may repeat its message, and so may a message that came from another process.
These keep the words with which they begin in the program's source: ``query failed: …``.
"""

from __future__ import annotations

import re
import sys
from types import CodeType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set

from nutrace.anyvalue import UNPRINTABLE
from nutrace.recording.sqlite_words import QUOTING, phrase_of

#: Packages whose errors, and errors raised below whose functions, are those of database calls.
_PACKAGES = frozenset(
    (
        *("sqlite3", "_sqlite3", "sqlalchemy", "aiosqlite", "apsw", "pysqlcipher3", "sqlcipher3"),
        *("psycopg", "psycopg2", "asyncpg", "pg8000", "pymysql", "MySQLdb", "mysql", "mariadb", "pyodbc"),
        *("oracledb", "cx_Oracle", "pymssql", "duckdb", "peewee", "sqlmodel", "pysqlite3"),
    )
)
# By PEP 249, a module of a database has these; and everybody's database errors bear this name.
_MODULE_OF_A_DATABASE = ("apilevel", "paramstyle")
_DATABASE_ERROR = "DatabaseError"
#: How messages look that repeat a database's error: a traceback, a ``repr``, SQLAlchemy's message.
_REPEATED = re.compile(
    r"\b(?:Database|Interface|Data|Operational|Integrity|Internal|Programming|NotSupported|Statement)Error\b"
    r"|\bsqlite3\.\w+|\bsqlalchemy\.exc\.|\[SQL: |\[parameters: "
    r'|File "[^"\n]*[/\\](?:nutrace[/\\]probes[/\\]sql|sqlalchemy[/\\])'
)
_CODES = (
    ("sqlite_errorname", re.compile(r"SQLITE_[A-Z0-9_]{2,40}\Z")),
    ("sqlstate", re.compile(r"[0-9A-Z]{5}\Z")),
    ("pgcode", re.compile(r"[0-9A-Z]{5}\Z")),
    ("code", re.compile(r"[a-z0-9]{4}\Z")),  # SQLAlchemy's, for https://sqlalche.me
)
_MOST_RELATED = 100  # errors in a chain
_MOST_TEXTS = 200
_LONGEST_TEXT = 10_000
_SHORTEST_TEXT = 4  # characters of a message by which it is recognised within another one

#: Messages of errors that have left database calls, the oldest first: somebody may repeat them.
_texts: Dict[str, None] = {}


def type_name(error: BaseException) -> str:
    """The class of an error with its module, as tracebacks name it."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Written(NamedTuple):
    """What of an error may be written: its message, or the part that cannot contain data."""

    message: str
    whole: bool  # whether that is all of the message


def written(error: BaseException) -> Written:
    """What may be written of an error that is noted somewhere."""
    if _is_databases(error):
        remember(error)
        return Written(_facts(error), False)
    try:
        message = str(error)
    except Exception:  # a message that cannot be made must not replace the program's error
        return Written(UNPRINTABLE, True)
    cause = _database_error_of(error)
    if cause is None:
        return Written(message, True)
    remember(cause)
    kept = phrase_of(message) or _words_of_source(error, message)
    if cause is not error:
        kept = f"{kept} [{_of_database(cause)}]".strip()
    return Written(kept, False)


def type_and_message(error: BaseException) -> str:
    """One line for an error: its type, and what may be written of its message."""
    message = written(error).message
    return f"{type_name(error)}: {message}" if message else type_name(error)


def _of_database(error: BaseException) -> str:
    """One line for an error that is known to be a database call's."""
    if _is_databases(error):
        kept = _facts(error)
    else:
        message = str(error)
        kept = phrase_of(message) or _words_of_source(error, message)
    return f"{type_name(error)}: {kept}" if kept else type_name(error)


def remember(error: BaseException) -> None:
    """Know the message of a database call's error, whatever its class, if somebody repeats it later."""
    texts = [text for text in error.args if type(text) is str] if len(error.args) == 1 else []
    if not _is_databases(error):
        texts.append(str(error))
    if isinstance(error, UnicodeError):
        texts += [text for text in error.args[1:2] if type(text) is str]
    for text in texts:
        if text and phrase_of(text) != text:
            _texts[text[:_LONGEST_TEXT]] = None
    for oldest in list(_texts)[:-_MOST_TEXTS]:
        _texts.pop(oldest, None)


def repeats(text: str) -> bool:
    """Whether a text that is no error of this process repeats the message of a database's error."""
    if text in _texts or _REPEATED.search(text) or QUOTING.search(text):
        return True
    return any(len(known) >= _SHORTEST_TEXT and known in text for known in list(_texts))


def without_messages(text: str) -> str:
    """A formatted traceback without messages and lines of source."""
    return "".join(f"{line}\n" for line in text.splitlines() if line.lstrip(" |+-").startswith('File "'))


def _database_error_of(error: BaseException) -> Optional[BaseException]:
    """The error of a database call among those that led to `error`; itself, if it is one."""
    related = list(_related(error))
    for is_one in (_is_databases, _repeats_one, _passed_a_database):
        for one in related:
            if is_one(one):
                return one
    return error if len(related) >= _MOST_RELATED else None  # too many to tell


def _repeats_one(error: BaseException) -> bool:
    """Whether its message repeats one; a process pool chains the traceback of its worker, as a text."""
    try:
        return repeats(str(error))
    except Exception:  # its message cannot be made
        return False


def _is_databases(error: BaseException) -> bool:
    for kind in type(error).__mro__:
        package = str(kind.__module__).partition(".")[0]
        if package == "builtins":
            continue
        if package in _PACKAGES or kind.__name__ == _DATABASE_ERROR:
            return True
        names = getattr(sys.modules.get(package), "__dict__", ())
        if all(name in names for name in _MODULE_OF_A_DATABASE):
            return True
    return False


def _related(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from or while handling, and so on; and the members of groups."""
    pending: List[Optional[BaseException]] = [error]
    seen: Set[int] = set()
    while pending and len(seen) < _MOST_RELATED:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += (one.__cause__, one.__context__)
        if any(kind.__name__ == "BaseExceptionGroup" for kind in type(one).__mro__):
            pending += [
                member for member in getattr(one, "exceptions", ()) if isinstance(member, BaseException)
            ]


def _passed_a_database(error: BaseException) -> bool:
    """Whether an error was raised below code of a database package, or in what sqlite3 calls by itself."""
    called: Optional[List[CodeType]] = None
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _PACKAGES:
            return True
        if frame.f_code.co_name == "__conform__":
            return True
        called = _called_by_sqlite() if called is None else called
        if frame.f_code in called:
            return True
        trace = trace.tb_next
    return False


def _called_by_sqlite() -> List[CodeType]:
    """The code of adapters and converters. sqlite3 is written in C, and has no frames."""
    sqlite = sys.modules.get("sqlite3")
    functions: List[Any] = []
    for table in ("adapters", "converters"):
        functions += getattr(sqlite, table, {}).values()
    codes = [getattr(function, "__code__", None) for function in functions]
    return [code for code in codes if isinstance(code, CodeType)]


def _facts(error: BaseException) -> str:
    """What of a database's error cannot contain data."""
    original = getattr(error, "orig", None)  # what SQLAlchemy wraps
    if isinstance(original, BaseException) and original is not error:
        return _of_database(original)
    facts = phrase_of(error.args[0]) if error.args and type(error.args[0]) is str else ""
    codes = [getattr(error, name, None) for name, _ in _CODES]
    kept = [code for code, (_, form) in zip(codes, _CODES) if type(code) is str and form.match(code)]
    if kept:
        listed = ", ".join(kept)
        facts = f"{facts} ({listed})" if facts else listed
    return facts


def _words_of_source(error: BaseException, message: str) -> str:
    """The beginning of a message, as far as it stands in the source of the function that raised the error."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    literals = [text for text in trace.tb_frame.f_code.co_consts if type(text) is str]
    # A literal without a space may be a value that the function also uses.
    begins = [text for text in literals if message.startswith(text) and any(map(str.isspace, text))]
    words = max(begins, key=len, default="")
    return words if words == message else f"{words}…" if words else ""
