"""Read the rows of many frames of a log in one query."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from nutrace.log_file import State
from nutrace.recording.clock import now_ns
from nutrace.speedups.queries.rows import Row, size_of
from nutrace.speedups.scenario_prefetch.frame_queries import SCHEMA, FrameQuery, Schema, same_order

#: The sweeps around a scenario, in the order of time: (first frame, microseconds before it, last
#: frame, microseconds after it).
_AROUND = """
    SELECT token FROM lidar_pc
    WHERE timestamp >= (SELECT timestamp FROM lidar_pc WHERE token = ?) - ?
        AND timestamp <= (SELECT timestamp FROM lidar_pc WHERE token = ?) + ?
    ORDER BY timestamp
"""


_MOST_PLANS = 2_000


def token_of(frame: Union[str, bytes]) -> bytes:
    """A frame's token as the log has it; the devkit's scenarios have it in hexadecimal."""
    return bytes.fromhex(frame) if isinstance(frame, str) else bytes(frame)


def is_locked(error: Exception) -> bool:
    """Whether a query failed because another program writes, and would not fail later."""
    return isinstance(error, sqlite3.OperationalError) and "is locked" in str(error)


class Read(NamedTuple):
    """The rows of many frames."""

    columns: Tuple[str, ...]
    rows: Dict[bytes, Sequence[Row]]  # by frame, also of those without a row
    total: int  # rows
    size: int  # bytes


class Reader:
    """A connection to a log, opened for its first query, on which a prefetch reads.

    It is one of its own, and not the pool's, because rows are counted as they come, and reading stops when
    they take too much memory.

    Attributes
    ----------
    statements:
        How many it ran.
    took_ns:
        The time in them.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._connection: Optional[sqlite3.Connection] = None
        self.statements = self.took_ns = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def around(
        self, frames: Sequence[bytes], before_s: float, after_s: float
    ) -> Tuple[List[bytes], List[bytes]]:
        """The frames before and after a scenario, as far apart as its own, in the order of time.

        Both are empty if the log has no such frames, or no such tables.
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
        """What the proof of order needs to know of the log's indexes."""
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
        by_frame: Dict[bytes, List[Row]] = {token: [] for token in tokens}
        size = total = 0
        columns: List[str] = []
        for row in self._run(query.of_many(len(tokens)), tokens, columns):
            plain = row[:-1]
            size += size_of((plain,))
            if size > most_bytes:
                return None
            by_frame[row[-1]].append(plain)
            total += 1
        return Read(
            tuple(columns[:-1]), {token: tuple(rows) for token, rows in by_frame.items()}, total, size
        )

    def _run(self, sql: str, parameters: Sequence[Any], columns: Optional[List[str]] = None) -> Iterator[Row]:
        """The rows of a query; the columns' names are appended to `columns`."""
        began = now_ns()
        if self._connection is None:
            # The program's own function waits for a locked log, if it is asked instead.
            self._connection = sqlite3.connect(self._file, timeout=0)
        cursor = self._connection.cursor()
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
    """Which statements may be asked for many frames at once, by file; looked up once for each.

    Threads that ask the same at the same time each look it up.
    """

    def __init__(self) -> None:
        self._schemas: Dict[Tuple[str, State], Schema] = {}
        self._known: Dict[Tuple[str, State, str, int], bool] = {}  # ..., statement, number of frames

    def clear(self) -> None:
        """Forget everything."""
        self._schemas.clear()
        self._known.clear()

    def are_kept(
        self, reader: Reader, file: Tuple[str, State], query: FrameQuery, tokens: Sequence[bytes]
    ) -> bool:
        """Whether frames that are read together have their rows in the order that each has by itself."""
        key = (*file, query.sql, len(tokens))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_PLANS:
                self.clear()
            schema = self._schemas.get(file)
            if schema is None:
                schema = self._schemas[file] = reader.schema()
            known = self._known[key] = reader.keeps_order(query, tokens, schema)
        return known
