"""Which statements are queries, and which give the same rows while file and parameters are the same."""

from __future__ import annotations

from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from nutrace.sql.by_text import LONGEST_KEPT, once_for_each_text
from nutrace.sql.text import statement_of, tokens

_READS = frozenset({"SELECT", "VALUES"})
#: Functions whose result depends on nothing but their arguments. All others are taken to depend on the time,
#: chance, the connection, or the program.
_FUNCTIONS = frozenset(
    (
        *("ABS", "AVG", "CHAR", "COALESCE", "COUNT", "CUME_DIST", "DENSE_RANK", "FIRST_VALUE", "GLOB"),
        *("GROUP_CONCAT", "HEX", "IFNULL", "IIF", "INSTR", "LAG", "LAST_VALUE", "LEAD", "LENGTH", "LIKE"),
        *("LOWER", "LTRIM", "MAX", "MIN", "NTH_VALUE", "NTILE", "NULLIF", "PERCENT_RANK", "PRINTF"),
        *("QUOTE", "RANK", "REPLACE", "ROUND", "ROW_NUMBER", "RTRIM", "SIGN", "SUBSTR", "SUBSTRING"),
        *("SUM", "TOTAL", "TRIM", "TYPEOF", "UNICODE", "UPPER", "ZEROBLOB"),
    )
)
#: Keywords that a parenthesis may follow; all other words before a parenthesis are functions.
_KEYWORDS = frozenset(
    (
        *("ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CAST", "DISTINCT", "ELSE", "EXCEPT", "EXISTS"),
        *("FILTER", "FROM", "GLOB", "HAVING", "IN", "INTERSECT", "IS", "JOIN", "LIKE", "LIMIT"),
        *("MATERIALIZED", "NOT", "OFFSET", "ON", "OR", "OVER", "SELECT", "THEN", "UNION", "USING"),
        *("VALUES", "WHEN", "WHERE", "WINDOW"),
    )
)
_CLOCK = frozenset({"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})
#: Tables of the connection rather than of the file.
_OF_CONNECTION = ("PRAGMA_", "SQLITE_", "TEMP", "DBSTAT")
_OF_FILE = frozenset({"SQLITE_MASTER", "SQLITE_SCHEMA", "SQLITE_SEQUENCE"})

_PLAIN = (int, str, float, bytes, type(None), bool)


class Traits(NamedTuple):
    """What the text of a statement tells."""

    reads: bool  # it is a query: it leaves connection and file as they were
    stays: bool  # its rows stay the same as long as the file does
    digest: str  # its hash as `nutrace sql` shows it; empty if `stays` is false


Parameters = Tuple[Tuple[type, Union[str, int, bytes, None]], ...]


@once_for_each_text
def traits(sql: str) -> Traits:
    """Look at a statement, once for each text."""
    if len(sql) > LONGEST_KEPT:
        return Traits(False, False, "")
    statement = statement_of(sql)
    if statement.operation not in _READS:
        return Traits(False, False, "")
    stays = all(_stays(word, called) for word, called in _words(sql))
    return Traits(True, stays, statement.digest if stays else "")


def frozen(parameters: Sequence[object]) -> Optional[Parameters]:
    """Parameters as a key, equal if and only if SQLite gets the same values; ``None`` for unknown types."""
    if type(parameters) not in (list, tuple):
        return None
    key: List[Tuple[type, Any]] = []
    value: Any
    for value in parameters:
        kind = type(value)
        if kind is bytearray:
            key.append((bytes, bytes(value)))
        elif kind is float:  # 0.0 equals -0.0, and nan does not equal itself
            key.append((kind, value.hex()))
        elif kind in _PLAIN:
            key.append((kind, value))
        else:
            return None
    return tuple(key)


def _words(sql: str) -> Iterator[Tuple[str, bool]]:
    """The words and quoted names in capitals, each with whether a parenthesis follows."""
    word = ""
    for kind, token, _ in tokens(sql):
        if word:
            yield word, token == "("
        word = token.upper() if kind == "word" else token[1:-1].upper() if kind == "quoted" else ""
    if word:
        yield word, False


def _stays(word: str, called: bool) -> bool:
    if word in _CLOCK or (word.startswith(_OF_CONNECTION) and word not in _OF_FILE):
        return False
    return not called or word in _KEYWORDS or word in _FUNCTIONS
