"""The statements that make indexes, and their names."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from nutrace.plans.log import Log, quoted

PREFIX = "nutrace_"  # of the names of indexes, so that they can be recognised and dropped

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: The keywords that cannot be names: https://sqlite.org/lang_keywords.html.
_RESERVED = re.compile(
    r"(?i:ADD|ALL|ALTER|AND|AS|BETWEEN|CASE|CHECK|COLLATE|COMMIT|CONSTRAINT|CREATE|CROSS|CURRENT_DATE|"
    r"CURRENT_TIME|CURRENT_TIMESTAMP|DEFAULT|DELETE|"
    r"DISTINCT|DROP|ELSE|ESCAPE|EXISTS|FOREIGN|FROM|FULL|GROUP|HAVING|IN|INDEX|INNER|INSERT|INTERSECT|INTO|"
    r"IS|JOIN|LEFT|LIMIT|NATURAL|NOT|NULL|ON|OR|ORDER|OUTER|PRIMARY|REFERENCES|RIGHT|SELECT|SET|TABLE|THEN|"
    r"TO|TRANSACTION|UNION|UNIQUE|UPDATE|USING|VALUES|WHEN|WHERE)\Z"
)


def create_index(log: Log, table: str, columns: Sequence[str]) -> Tuple[str, str]:
    """A name for a new index that is not taken, and the statement that makes it."""
    name = _name(log, table, columns)
    return name, index_on(name, table, columns)


def index_on(name: str, table: str, columns: Sequence[str]) -> str:
    """The statement that makes an index."""
    return f"CREATE INDEX {_written(name)} ON {_written(table)} ({', '.join(map(_written, columns))})"


def _name(log: Log, table: str, columns: Sequence[str]) -> str:
    name = PREFIX + "_".join((table, *columns))
    taken = {index.lower() for index in log.indexes}
    number = 1
    unique = name
    while unique.lower() in taken:
        number += 1
        unique = f"{name}_{number}"
    return unique


def _written(name: str) -> str:
    """A name in SQL, in quotes only if it needs them."""
    return name if _PLAIN.match(name) and not _RESERVED.match(name) else quoted(name)
