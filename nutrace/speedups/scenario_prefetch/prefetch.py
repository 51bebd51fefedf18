"""Read the rows of a scenario's frames together, and return them frame by frame."""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Any, Dict, NamedTuple, Optional, Sequence, Set, Tuple, Union

from nutrace import semconv
from nutrace.log_file import State, absolute, is_settled, state
from nutrace.speedups import forks
from nutrace.speedups.bounded_cache import BoundedCache
from nutrace.speedups.figures import Figures
from nutrace.speedups.noting import note
from nutrace.speedups.queries import Learner, Rows
from nutrace.speedups.scenario_prefetch.frame_queries import FrameQuery, frame_query
from nutrace.speedups.scenario_prefetch.options import Options
from nutrace.speedups.scenario_prefetch.reader import Orders, Read, Reader, is_locked, token_of
from nutrace.speedups.scenario_prefetch.scenario import MOST_STATEMENTS, FrameStatement, ScenarioFrames


class _Held(NamedTuple):
    state: State
    read: Read


_Key = Tuple[int, str, int]  # number of a scenario, statement, chunk


class ScenarioPrefetch:
    """Answers queries for single frames of scenarios from what it read of many frames at once.

    A query that ends in ``WHERE column = ?`` and was asked for two frames of a scenario is asked for all of
    them in a few queries. It is left alone if SQLite's plans do not show that each frame's rows come in the
    order in which they come by themselves, if the rows take too much memory, and if the log has changed.
    Threads may share a prefetch; each simulates one scenario at a time. A forked child goes on with what was
    read and counts from zero.

    Parameters
    ----------
    options:
        See :class:`Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self._most_bytes = int(self.options.megabytes * 1e6)
        self._scenarios: Dict[int, ScenarioFrames] = {}  # by thread
        self._figures = Figures(
            *("hits", "misses", "evictions"),
            *("reads", "rows", "statements", "refused", "spent_ns", "avoided_ns"),
        )
        self._held: BoundedCache[_Key, _Held] = BoundedCache(self._figures, most_bytes=self._most_bytes)
        self._orders = Orders()
        self._took_ns: Dict[str, int] = {}  # what a statement took for one frame by itself
        self._useful: Set[str] = set()  # statements that were asked for many frames
        forks.watch(self)

    def begin(self, file: Union[str, os.PathLike[str]], frames: Sequence[Union[str, bytes]]) -> None:
        """A simulation of these frames of a log begins in this thread; the one before has ended.

        Nothing is read before it asks for something.

        Parameters
        ----------
        frames:
            lidar_pc tokens in the order of time, as bytes or in hexadecimal.
        """
        scenario = ScenarioFrames(absolute(file), [token_of(frame) for frame in frames])
        with forks.lock:
            self.end()
            if scenario.frames:
                self._scenarios[threading.get_ident()] = scenario

    def end(self) -> None:
        """The simulation of this thread has ended: drop what was read for it."""
        with forks.lock:
            scenario = self._scenarios.pop(threading.get_ident(), None)
            if scenario is not None:
                number = scenario.number
                self._held.drop_where(lambda key, _: key[0] == number)

    def clear(self) -> None:
        """Forget all scenarios; the figures stay."""
        with forks.lock:
            self._scenarios.clear()
            self._held.clear()
            self._orders.clear()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``misses`` are queries for a scenario's frames that were not answered from here; ``reads`` the
        queries for many frames, which gave ``rows``; ``statements`` these and those about plans and frames;
        ``spent_ns`` the time in them. ``avoided_ns`` is what a statement took by itself the first time, as
        often as it was answered from here. ``refused`` statements were left alone. ``entries`` are chunks of
        frames, each of one statement.
        """
        return self._held.stats()

    def answer(self, query: str, parameters: Any, file: Any) -> Union[Rows, Learner, None]:
        """The rows of a frame; or what learns how long they take, or ``None``, if they were not read."""
        if not self._scenarios or type(parameters) not in (list, tuple) or len(parameters) != 1:
            return None
        value = parameters[0]
        if type(value) is not bytes and type(value) is not bytearray:
            return None
        of_frame = frame_query(query)
        if of_frame is None:
            return None
        name, token = absolute(file), bytes(value)
        now = state(name)
        if now is None:
            return None
        scenario = self._scenario(name, token)
        if scenario is None:
            return None
        held = self._find(scenario, of_frame, token, now)
        note("database", semconv.CACHE_HIT, held is not None)
        if held is not None:
            self._figures.add(hits=1, avoided_ns=self._took_ns.get(query, 0))
            return Rows(held.read.columns, held.read.rows[token])
        self._figures.add(misses=1)
        if query in self._took_ns:
            return None
        return Learner(lambda _, took_ns: self._time(query, took_ns))

    def _time(self, query: str, took_ns: int) -> None:
        if len(self._took_ns) >= MOST_STATEMENTS:
            self._took_ns.clear()
        self._took_ns[query] = took_ns

    def _scenario(self, file: str, token: bytes) -> Optional[ScenarioFrames]:
        """A scenario that has the frame; this thread's before those of others."""
        with forks.lock:
            own = self._scenarios.get(threading.get_ident())
            candidates = [each for each in self._scenarios.values() if each is not own and each.file == file]
        if own is not None and own.file == file:
            candidates.insert(0, own)
        for scenario in candidates:
            self._divide(scenario)
            if token in scenario.chunk_of:
                return scenario
        return None

    def _divide(self, scenario: ScenarioFrames) -> None:
        with forks.lock:
            if scenario.is_divided:
                return
            scenario.is_divided = True  # Concurrent callers read the log.
        options = self.options
        with Reader(scenario.file) as reader:
            before, after = reader.around(scenario.frames, options.before_s, options.after_s)
        scenario.divide(before, after, options.frames)
        self._figures.add(statements=reader.statements, spent_ns=reader.took_ns)

    def _find(self, scenario: ScenarioFrames, query: FrameQuery, token: bytes, now: State) -> Optional[_Held]:
        """The chunk of a frame, which is read now if that is worth it."""
        chunk = scenario.chunk_of[token]
        key = (scenario.number, query.sql, chunk)
        with forks.lock:
            held = self._held.get(key)
            if held is not None and held.state == now:
                return held
            self._held.drop(key)
            statement = scenario.statements.get(query.sql)
            if statement is None:
                statement = FrameStatement(is_repeated=query.sql in self._useful)
                scenario.statements[query.sql] = statement
            if not is_settled(now) or not statement.begin(token, chunk):
                return None
        read = None
        locked = False
        try:
            with Reader(scenario.file) as reader:
                if self._orders.are_kept(reader, (scenario.file, now), query, scenario.chunks[chunk]):
                    read = reader.read(query, scenario.chunks[chunk], self._most_bytes)
        except (sqlite3.Error, KeyError) as error:  # KeyError: a row of a frame that was not asked for
            locked = is_locked(error)
        finally:
            unchanged = state(scenario.file) == now
            with forks.lock:
                statement.loading.discard(chunk)
                if read is None and unchanged and not locked:
                    statement.refused = True
                    self._figures.add(refused=1)
            self._figures.add(statements=reader.statements, spent_ns=reader.took_ns)
        if read is None or not unchanged:
            return None
        held = _Held(now, read)
        with forks.lock:
            self._figures.add(reads=1, rows=read.total)
            if len(self._useful) < MOST_STATEMENTS:
                self._useful.add(query.sql)
            if any(scenario is each for each in self._scenarios.values()):  # else it has ended meanwhile
                self._held.put(key, held, read.size)
        return held

    def in_child(self) -> None:
        """The threads that were reading are not in a forked child."""
        for scenario in self._scenarios.values():
            for statement in scenario.statements.values():
                statement.loading.clear()
