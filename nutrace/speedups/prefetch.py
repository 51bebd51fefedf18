"""The rows of a scenario's frames: read together, given out frame by frame."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter, OrderedDict
from typing import Any, Dict, NamedTuple, Optional, Sequence, Set, Tuple, Union

from nutrace import semconv
from nutrace.speedups.asked import AskedConnection
from nutrace.speedups.asked_cursor import Answer
from nutrace.speedups.forks import watch
from nutrace.speedups.frame_queries import FrameQuery, frame_query
from nutrace.speedups.frames import Orders, Read, Reader, token_of
from nutrace.speedups.kept_rows import KeptRows
from nutrace.speedups.log_file import State, absolute, is_settled, state
from nutrace.speedups.noting import note
from nutrace.speedups.prefetch_options import Options
from nutrace.speedups.queries import Open
from nutrace.speedups.scenario_frames import MOST_STATEMENTS, FrameStatement, ScenarioFrames, Timed


class _Held(NamedTuple):
    state: State
    read: Read


_Key = Tuple[int, str, int]  # number of a scenario, statement, chunk


class ScenarioPrefetch:
    """Answers queries for single frames of scenarios from what it read of many frames at once.

    A query that ends in ``WHERE column = ?``, asked for two frames of a scenario, is asked for all of
    them in a few queries. It is left alone where SQLite's plans do not show that each frame's rows
    come in the order that they would come in by themselves; where the rows take too much memory; and
    where the log has changed since. Threads may share one; each simulates one scenario at a time. A
    forked child goes on with what is in it and counts from zero.

    Parameters
    ----------
    options:
        See :class:`Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self._most_bytes = int(self.options.megabytes * 1e6)
        self._scenarios: Dict[int, ScenarioFrames] = {}  # by thread
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._bytes = 0
        self._orders = Orders()
        self._took_ns: Dict[str, int] = {}  # what a statement took for one frame, by itself
        self._useful: Set[str] = set()  # statements that were asked for many frames
        # Reentrant: the garbage collector may run a finalizer of anybody's while we hold it.
        self._lock = threading.RLock()
        self._figures: Counter[str] = Counter()
        watch(self)

    def begin(self, file: Union[str, os.PathLike[str]], frames: Sequence[Union[str, bytes]]) -> None:
        """A simulation of these frames of a log begins in this thread; the one before has ended.

        Nothing is read before it asks for something.

        Parameters
        ----------
        frames:
            lidar_pc tokens in the order of time, as bytes or in hexadecimal.
        """
        tokens = [token_of(frame) for frame in frames]
        with self._lock:
            self.end()
            if tokens:
                scenario = ScenarioFrames(absolute(file), tokens)
                self._scenarios[threading.get_ident()] = scenario

    def end(self) -> None:
        """The simulation of this thread has ended: forget what was read for it."""
        with self._lock:
            scenario = self._scenarios.pop(threading.get_ident(), None)
            if scenario is not None:
                for key in [key for key in self._held if key[0] == scenario.number]:
                    self._drop(key)

    def clear(self) -> None:
        """Forget all scenarios; the figures stay."""
        with self._lock:
            self._scenarios.clear()
            self._held.clear()
            self._orders.clear()
            self._bytes = 0

    def connect(self, file: Any, following: Optional[Open] = None) -> Any:
        """In place of ``sqlite3.connect(file)``: opens the file for what was not read.

        Parameters
        ----------
        following:
            What opens it instead of ``sqlite3.connect``, such as a cache or a pool.
        """
        if following is None:
            return AskedConnection(file, lambda: sqlite3.connect(file), self.ask)
        return AskedConnection(file, following, self.ask)

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``misses`` are queries for a scenario's frames that were not answered from here; ``reads`` the
        queries for many frames, which gave ``rows``; ``statements`` these and those about plans and
        frames; ``spent_ns`` the time in them. ``avoided_ns`` is what a statement took by itself the
        first time, as often as it was answered. ``refused`` statements were left alone. ``entries``
        are chunks of frames, each of one statement.
        """
        with self._lock:
            figures = {name: self._figures[name] for name in ("hits", "misses", "evictions")}
            figures.update(entries=len(self._held), bytes_held=self._bytes)
            more = ("reads", "rows", "statements", "refused", "spent_ns", "avoided_ns")
            figures.update((name, self._figures[name]) for name in more)
            return figures

    def ask(self, connection: AskedConnection, sql: str, parameters: Sequence[object]) -> Answer:
        """The rows of a frame; the wish to know how long they take, or ``None``, if they are not here."""
        if not self._scenarios or type(parameters) not in (list, tuple) or len(parameters) != 1:
            return None
        value = parameters[0]
        if type(value) is not bytes and type(value) is not bytearray:
            return None
        query = frame_query(sql)
        if query is None:
            return None
        file, token = absolute(connection.file), bytes(value)
        now = state(file)
        if now is None:
            return None
        scenario = self._scenario(connection, file, token)
        if scenario is None:
            return None
        held = self._find(connection, scenario, query, token, now)
        self._count(hits=int(held is not None), misses=int(held is None))
        note("database", semconv.CACHE_HIT, held is not None)
        if held is not None:
            self._count(avoided_ns=self._took_ns.get(sql, 0))
            return KeptRows(held.read.columns, held.read.rows[token])
        return Timed(self._took_ns, sql) if sql not in self._took_ns else None

    def _scenario(self, connection: AskedConnection, file: str, token: bytes) -> Optional[ScenarioFrames]:
        """A scenario that has the frame, this thread's before others'."""
        with self._lock:
            own = self._scenarios.get(threading.get_ident())
            wanted = [each for each in self._scenarios.values() if each is not own and each.file == file]
        if own is not None and own.file == file:
            wanted.insert(0, own)
        for scenario in wanted:
            self._divide(connection, scenario)
            if token in scenario.chunk_of:
                return scenario
        return None

    def _divide(self, connection: AskedConnection, scenario: ScenarioFrames) -> None:
        with self._lock:
            if scenario.is_divided:
                return
            scenario.is_divided = True  # who else asks meanwhile, asks the log
        options = self.options
        reader = Reader(connection)
        before, after = reader.around(scenario.frames, options.before_s, options.after_s)
        scenario.divide(before, after, options.frames)
        self._count(statements=reader.statements, spent_ns=reader.took_ns)

    def _find(
        self,
        connection: AskedConnection,
        scenario: ScenarioFrames,
        query: FrameQuery,
        token: bytes,
        now: State,
    ) -> Optional[_Held]:
        """The chunk of a frame, read now if that is worth it."""
        chunk = scenario.chunk_of[token]
        key = (scenario.number, query.sql, chunk)
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.state == now:
                self._held.move_to_end(key)
                return held
            self._drop(key)
            statement = scenario.statements.get(query.sql)
            if statement is None:
                statement = FrameStatement(is_repeated=query.sql in self._useful)
                scenario.statements[query.sql] = statement
            if not is_settled(now) or not statement.begin(token, chunk):
                return None
        reader = Reader(connection)
        read = None
        try:
            if self._orders.are_kept(reader, (scenario.file, now), query, scenario.chunks[chunk]):
                read = reader.read(query, scenario.chunks[chunk], self._most_bytes)
        except (sqlite3.Error, KeyError):  # KeyError: of no frame that was asked for
            pass
        finally:
            with self._lock:
                statement.loading.discard(chunk)
                unchanged = state(scenario.file) == now
                if read is None and unchanged:
                    statement.refused = True
                    self._figures["refused"] += 1
            self._count(statements=reader.statements, spent_ns=reader.took_ns)
        if read is None or not unchanged:
            return None
        held = _Held(now, read)
        with self._lock:
            self._figures["reads"] += 1
            self._figures["rows"] += read.total
            if len(self._useful) < MOST_STATEMENTS:
                self._useful.add(query.sql)
            if any(scenario is each for each in self._scenarios.values()):  # else it has ended meanwhile
                self._hold(key, held)
        return held

    def _hold(self, key: _Key, held: _Held) -> None:
        self._drop(key)
        self._held[key] = held
        self._bytes += held.read.size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._held)))
            self._figures["evictions"] += 1

    def _drop(self, key: _Key) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= held.read.size

    def _count(self, **figures: int) -> None:
        with self._lock:
            self._figures.update(figures)

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child's figures are its own, and of the threads that were reading it has none."""
        if in_child:
            self._figures.clear()
            for scenario in self._scenarios.values():
                for statement in scenario.statements.values():
                    statement.loading.clear()
        self._lock.release()
