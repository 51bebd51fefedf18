"""The frames of a simulation, and how the log is asked for many of them at once."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from nutrace.recording.clock import now_ns
from nutrace.speedups.asked import AskedConnection
from nutrace.speedups.frame_queries import SCHEMA, FrameQuery, Schema, same_order
from nutrace.speedups.kept_rows import Row, size_of
from nutrace.speedups.log_file import State

#: The sweeps around a scenario, in the order of time: (first frame, microseconds before it, last
#: frame, microseconds after it).
_AROUND = """
    SELECT token FROM lidar_pc
    WHERE timestamp >= (SELECT timestamp FROM lidar_pc WHERE token = ?) - ?
        AND timestamp <= (SELECT timestamp FROM lidar_pc WHERE token = ?) + ?
    ORDER BY timestamp
"""


_MOST = 2_000  # plans that are remembered


def token_of(frame: Union[str, bytes]) -> bytes:
    """A frame's token as the log has it; the devkit's scenarios have it in hexadecimal."""
    return bytes.fromhex(frame) if isinstance(frame, str) else bytes(frame)


class Read(NamedTuple):
    """The rows of many frames."""

    columns: Tuple[str, ...]
    rows: Dict[bytes, Sequence[Row]]  # of each frame; there may be none
    total: int  # of them
    size: int  # bytes


class Reader:
    """Asks a log for many frames, on the connection that a query for one of them has.

    Attributes
    ----------
    statements:
        How many it ran.
    took_ns:
        The time in them.
    """

    def __init__(self, connection: AskedConnection) -> None:
        self._connection: Any = connection
        self.statements = self.took_ns = 0

    def around(
        self, frames: Sequence[bytes], before_s: float, after_s: float
    ) -> Tuple[List[bytes], List[bytes]]:
        """The frames before and after a scenario's, as far apart as its own; in the order of time.

        None if the log has no such frames, or keeps them otherwise.
        """
        span = frames[0], round(before_s * 1e6), frames[-1], round(after_s * 1e6)
        try:
            sweeps = [row[0] for row in self._run(_AROUND, span)]
        except sqlite3.Error:
            return [], []
        places = {token: place for place, token in enumerate(sweeps)}
        if frames[0] not in places or frames[-1] not in places:
            return [], []
        first, last = places[frames[0]], places[frames[-1]]
        step = max(1, round((last - first) / (len(frames) - 1))) if len(frames) > 1 else 1
        return sweeps[first - step :: -step][::-1] if first >= step else [], sweeps[last + step :: step]

    def schema(self) -> Schema:
        """What is to be known of the log's indexes."""
        return frozenset((row[0], row[1]) for row in self._run(SCHEMA, ()))

    def keeps_order(self, query: FrameQuery, tokens: Sequence[bytes], schema: Schema) -> bool:
        """Whether frames read together have their rows in the order that each has by itself."""
        texts = (query.sql, tokens[:1]), (query.of_many(len(tokens)), tokens)
        plans = [
            [str(row[-1]) for row in self._run("EXPLAIN QUERY PLAN " + sql, asked)] for sql, asked in texts
        ]
        return same_order(plans[0], plans[1], schema)

    def read(self, query: FrameQuery, tokens: Sequence[bytes], most_bytes: int) -> Optional[Read]:
        """The rows of all `tokens`, or ``None`` if they take more than `most_bytes`."""
        found: Dict[bytes, List[Row]] = {token: [] for token in tokens}
        size = total = 0
        columns: List[str] = []
        for row in self._run(query.of_many(len(tokens)), tokens, columns):
            plain = row[:-1]
            size += size_of((plain,))
            if size > most_bytes:
                return None
            found[row[-1]].append(plain)
            total += 1
        return Read(tuple(columns[:-1]), {token: tuple(rows) for token, rows in found.items()}, total, size)

    def _run(self, sql: str, parameters: Sequence[Any], columns: Optional[List[str]] = None) -> Any:
        """The rows of a query, as tuples; `columns` is given their names."""
        began = now_ns()
        connection = self._connection
        while isinstance(connection, AskedConnection):  # what is read here, nobody else is to keep
            connection = connection.real()
        cursor = connection.cursor()
        cursor.row_factory = None
        try:
            self.statements += 1
            cursor.execute(sql, tuple(parameters))
            if columns is not None:
                columns.extend(each[0] for each in cursor.description)
            yield from cursor
        finally:
            cursor.close()
            self.took_ns += now_ns() - began


class Orders:
    """Which statements may be asked for many frames at once, on which files; looked up once for each.

    Whoever asks the same at the same time looks it up as well.
    """

    def __init__(self) -> None:
        self._schemas: Dict[Tuple[str, State], Schema] = {}
        self._known: Dict[Tuple[str, State, str, int], bool] = {}  # ..., statement, number of frames

    def clear(self) -> None:
        """Forget all."""
        self._schemas.clear()
        self._known.clear()

    def are_kept(
        self, reader: Reader, file: Tuple[str, State], query: FrameQuery, tokens: Sequence[bytes]
    ) -> bool:
        """Whether frames that are read together have their rows in the order that each has by itself."""
        key = (*file, query.sql, len(tokens))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self.clear()
            schema = self._schemas.get(file)
            if schema is None:
                schema = self._schemas[file] = reader.schema()
            known = self._known[key] = reader.keeps_order(query, tokens, schema)
        return known
