"""The indexes that a log's statements lack, made when the first statement asks for one."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Set

from nutrace.errors import NutraceError, OutputError
from nutrace.plans.candidates import CANDIDATES, lacking
from nutrace.plans.clone import clone
from nutrace.plans.log import open_log
from nutrace.plans.make import can_write
from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of
from nutrace.recording.clock import now_ns
from nutrace.recording.faults import say
from nutrace.speedups.concerned import Concerned
from nutrace.speedups.forks import watch
from nutrace.speedups.index_making import Maker
from nutrace.speedups.index_options import NAME, Options
from nutrace.speedups.indexed_connection import IndexedConnection, Reader
from nutrace.speedups.log_file import Identity, absolute, identity
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries import Open

_READS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
# How long statements run as stock while their log is read: by other threads; by the one that asks, which
# no index could wait for, and a copy is made then.
_OTHERS_S = 2.0
_OWN_S = 10.0
_MOST_LOGS = 1000
_MOST_STATEMENTS = 1000  # of a log; those with IN have a text for each number of values


@dataclass
class _Known:
    """What was found out about a log as it is now."""

    identity: Identity
    copy: str = ""
    given_up: bool = False  # it runs as stock, and that was said
    settled: bool = False  # it lacks nothing: all read it, whatever becomes of it
    seen: Dict[str, None] = field(default_factory=dict)  # statements, for an index in place concerns all
    from_copy: Dict[str, bool] = field(default_factory=dict)  # by statement, whether it reads the copy


class LogIndexes:
    """Which file a statement reads: the log, or a copy of it that has the index which it lacks.

    A statement is looked at when it is first asked of a log: its plan, on an empty clone of the schema
    as well, with the index and without. An index is made only for a statement which has it in the
    place of a full scan *and* whose rows come in the same order as without
    (see :mod:`nutrace.plans.order`); in the log itself only if that holds for all statements seen so
    far. Statements that gain nothing, or whose order is not certain, read the log, not the copy.

    A log that is replaced or written to is looked at anew, and its former copy used no more. Threads
    may share one; those that need what another is making wait for it, and so does a fork. A child
    counts from zero.

    Parameters
    ----------
    options:
        ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self._concerned = Concerned()
        self._logs: OrderedDict[str, _Known] = OrderedDict()
        self._plain: Set[str] = set()  # logs that lack nothing, by their absolute names
        self._counted: Set[str] = set()  # logs whose indexes were counted
        # Reentrant: the garbage collector may run anything of the program's while we hold one.
        self._looking = threading.RLock()  # held while something is made
        self._lock = threading.RLock()
        self._read: Dict[str, Counter[int]] = {}  # by log and thread, queries that are being read
        self._deferred_since: Dict[str, int] = {}  # by log, in nanoseconds
        self._figures: Counter[str] = Counter()
        self._maker = Maker(self.options, self._figures)
        watch(self)

    def file_for(self, file: str, text: str) -> str:
        """The file that a statement is to read instead of `file`, or `file`.

        Whatever is wrong with the log or a copy, the answer is the log.
        """
        if not self._concerned[text]:
            return file
        name = absolute(file)
        known = self._logs.get(name)
        if known is not None and known.settled and text in known.from_copy:
            return file
        now = identity(name)
        if now is None or (known is not None and known.given_up and known.identity == now):
            return file
        if known is None or known.identity != now or text not in known.from_copy:
            if self._defers(name):
                return file
            known = self._look(name, text)
        if known is None or not known.from_copy.get(text):
            return file
        if not os.path.exists(known.copy):  # somebody removed it
            self._logs.pop(name, None)
            return file
        self._figures["queries_redirected"] += 1  # threads may lose one: a figure, and no more
        return known.copy

    def connect(self, file: Any, following: Optional[Open] = None) -> Any:
        """In place of ``sqlite3.connect(file)``: opens the log, or its copy, when a statement is asked.

        Once a log is known to lack nothing, and had what it has before this process came, it is opened
        at once.

        Parameters
        ----------
        following:
            What opens a file instead of ``sqlite3.connect``, such as a pool; another one than `file`
            if it is given one.
        """

        def plainly(instead: Any = None) -> Any:
            return sqlite3.connect(file if instead is None else instead)

        opens = following or plainly
        if file in self._plain:
            return opens()
        name = absolute(file)
        known = self._logs.get(name)
        if known is not None and known.settled and not self._maker.made_in(name):
            if file == name and len(self._plain) < _MOST_LOGS:
                self._plain.add(file)
            return opens()
        return IndexedConnection(self, file, opens)

    def begin_reading(self, file: str) -> Optional[Reader]:
        """A connection is opened: until it is closed, no index is made in its log."""
        name = absolute(file)
        known = self._logs.get(name)
        if self.options.place == "copy" or (known is not None and known.settled):
            return None
        reader = name, threading.get_ident()
        with self._lock:
            self._read.setdefault(name, Counter())[reader[1]] += 1
        return reader

    def end_reading(self, reader: Reader) -> None:
        """It is closed, in whichever thread."""
        name, thread = reader
        with self._lock:
            readers = self._read.get(name, Counter())
            readers[thread] -= 1
            if readers[thread] <= 0:
                del readers[thread]
            if not readers:
                self._read.pop(name, None)

    def _reads(self, name: str) -> bool:
        """Whether this thread is in the middle of a query."""
        readers = self._read.get(name)
        return readers is not None and readers[threading.get_ident()] > 0

    def _defers(self, name: str) -> bool:
        """Whether the statement runs as stock, and the next one is looked at: a reader keeps a log locked
        that is to be written."""
        place = self.options.place
        if not self._read.get(name) or place == "copy" or not can_write(name):
            return False
        patience_s = _OTHERS_S
        if self._reads(name):
            patience_s = _OWN_S if place == "auto" else float("inf")
        waited_ns = now_ns() - self._deferred_since.setdefault(name, now_ns())
        if waited_ns < patience_s * 1e9:
            self._figures["deferred"] += 1
            return True
        return False

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``indexes_made`` in logs and copies, ``already_there`` in logs, or made by other
        processes, ``refused`` statements whose order an index could change; ``deferred`` ones that
        ran as stock while their log was read; ``failed`` logs that run as stock; ``copies_made`` and
        ``copies_found``; ``queries_redirected`` to a copy; ``bytes_copied``, indexes included;
        ``spent_ns`` looking at plans, copying and making.
        """
        names = (
            *("indexes_made", "already_there", "refused", "deferred", "failed"),
            *("copies_made", "copies_found", "queries_redirected", "bytes_copied", "spent_ns"),
        )
        return {name: self._figures[name] for name in names}

    def clear(self) -> None:
        """Forget what was found out; the indexes and copies stay."""
        self._logs.clear()
        self._plain.clear()

    # -- a statement that is new -------------------------------------------------------------

    def _look(self, name: str, text: str) -> Optional[_Known]:
        # Other threads wait: their statements would read whole tables, and slow down what spares them.
        with self._looking:
            began = now_ns()
            try:
                known = self._current(name)
                if known is not None and not known.given_up and text not in known.from_copy:
                    if len(known.from_copy) >= _MOST_STATEMENTS:
                        known.from_copy.clear()
                        known.seen.clear()
                    known.seen[text] = None
                    known.from_copy[text] = self._decide(name, known, text)
            except (NutraceError, OSError, sqlite3.Error) as error:
                self._give_up(name, error)
            except Exception:  # law 1: a statement of the program's must not fail because of us
                fault(f"looking for indexes in {name}")
                self._give_up(name, None)
            finally:
                self._deferred_since.pop(name, None)
                self._figures["spent_ns"] += now_ns() - began
            return self._logs.get(name)

    def _current(self, name: str) -> Optional[_Known]:
        now = identity(name)
        known = self._logs.get(name)
        if now is not None and (known is None or known.identity != now):
            known = self._logs[name] = _Known(now, seen=known.seen if known is not None else {})
            while len(self._logs) > _MOST_LOGS:
                self._logs.popitem(last=False)
        return known

    def _give_up(self, name: str, error: Optional[Exception]) -> None:
        known = self._current(name)
        if known is None:
            return
        known.given_up = True
        known.from_copy.clear()
        self._figures["failed"] += 1
        if error is not None:
            reason = " ".join(str(error).split())
            where = "" if name in reason else f"{name}: "
            say(f"{NAME}: {where}{reason}; its statements run as stock")

    def _decide(self, name: str, known: _Known, text: str) -> bool:
        """Whether a statement is to read the copy; makes what it needs."""
        with open_log(name) as log:
            try:
                before = plan_of(log.connection, text)
            except (sqlite3.Error, sqlite3.Warning, ValueError):  # as the program will hear itself
                return False
            absent = lacking(log)
            self._count_there(name, len(CANDIDATES) - len(absent))
            self._maker.check_order(name, log, before, text)
            if not absent:
                known.settled = True
                return False
            with clone(log, list(absent.values())) as tried:
                gained = spared(before, plan_of(tried, text), tried, text)
            if not gained or not _READS.match(text):
                self._figures["refused"] += gained is None
                return False
            wanted = {index: ddl for index, ddl in absent.items() if index in gained}
            why = "" if known.copy else self._maker.not_in_place(name, log, wanted, known.seen)
        if not known.copy and not why:
            why = "this thread is reading it" if self._reads(name) else self._maker.in_place(name, wanted)
            if not why:
                return False
        if self.options.place == "log":
            raise OutputError(f"{name}: {why}")
        if not known.copy:
            known.copy = self._maker.copied(name, absent, why)
        with open_log(known.copy) as copied:
            after = plan_of(copied.connection, text)
            return bool(spared(before, after, copied.connection, text))

    def _count_there(self, name: str, number: int) -> None:
        if name not in self._counted:
            self._counted.add(name)
            self._figures["already_there"] += number

    # -- forks -------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._looking.acquire()
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child's figures are its own."""
        if in_child:
            self._figures.clear()
            self._read = {name: self._read[name] for name in self._read if self._reads(name)}
        self._lock.release()
        self._looking.release()
