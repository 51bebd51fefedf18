"""Columns of tables: their names, types and meanings, from which the schemas of files are made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple

_INT64 = 1 << 63


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name:
        Its name in the file.
    kind:
        ``string``, ``int32``, ``int64``, ``double``, ``bool`` or ``timestamp``: nanoseconds since 1970, UTC.
        A column with ``items`` is a list of records.
    about:
        What it says, with its unit; of times whether they are corrected (nutrace's own time is taken out) or
        as recorded. It is in the file, as ``about`` of the field.
    items:
        The columns of the records in a list.
    """

    name: str
    kind: str
    about: str = ""
    items: Tuple[Column, ...] = ()

    def type(self, pa: Any) -> Any:
        """The type in Arrow."""
        if self.items:
            return pa.list_(pa.struct([(item.name, item.type(pa)) for item in self.items]))
        kinds = {
            "string": pa.string,
            "int32": pa.int32,
            "int64": pa.int64,
            "double": pa.float64,
            "bool": pa.bool_,
            "timestamp": lambda: pa.timestamp("ns"),
        }
        return kinds[self.kind]()


def schema(pa: Any, columns: Sequence[Column], metadata: Dict[bytes, bytes], key: bytes) -> Any:
    """The Arrow schema of a file; the meanings of its columns are in its metadata, too, under `key`."""
    fields = [
        pa.field(each.name, each.type(pa), metadata={b"about": each.about.encode()}) for each in columns
    ]
    about = json.dumps({each.name: each.about for each in columns}).encode()
    return pa.schema(fields, metadata={**metadata, key: about})


def bounded(value: Any) -> Any:
    """A value as a column holds it: integers, such as the sums over a damaged file, within 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, -_INT64), _INT64 - 1)
    if isinstance(value, dict):
        return {key: bounded(item) for key, item in value.items()}
    return [bounded(item) for item in value] if isinstance(value, list) else value
