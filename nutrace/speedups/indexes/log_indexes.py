"""The indexes that a log's statements lack, made when the first statement asks for one."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional, Set

from nutrace.errors import NutraceError, OutputError
from nutrace.log_file import Identity, absolute, identity
from nutrace.plans.candidates import CANDIDATES, lacking
from nutrace.plans.clone import clone
from nutrace.plans.log import open_log
from nutrace.plans.make import can_write
from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of
from nutrace.recording.clock import now_ns
from nutrace.recording.faults import say
from nutrace.speedups import forks
from nutrace.speedups.figures import Figures
from nutrace.speedups.indexes.making import Maker
from nutrace.speedups.indexes.options import Options
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries.readers import readers
from nutrace.speedups.queries.rows import Rows
from nutrace.speedups.queries.running import Runner

_READS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_TABLES = re.compile(rf"\b(?:{'|'.join(table for table, _ in CANDIDATES)})\b", re.IGNORECASE)
# How long statements run as stock while the program reads their log. If the thread that asks is reading it,
# no index could wait for that, and a copy is made after this time.
_OTHERS_S = 2.0
_OWN_S = 10.0
_MOST_LOGS = 1000
_MOST_STATEMENTS = 1000  # of a log; those with IN have a text for each number of values

#: Answers a query on another file: the speedups that are asked next.
Following = Callable[[str, Any, str], Optional[Rows]]


@dataclass
class _Known:
    """What is known of a log in its present state."""

    identity: Identity
    copy: str = ""
    copy_identity: Optional[Identity] = None
    given_up: bool = False  # its statements run as stock, and a line has been printed
    settled: bool = False  # it lacks nothing: all statements read it
    seen: Dict[str, None] = field(default_factory=dict)  # statements; an index in the log concerns them all
    from_copy: Dict[str, bool] = field(default_factory=dict)  # by statement, whether it reads the copy


class LogIndexes:
    """Answers queries from a copy of the log that has the index which they lack; or makes it in the log.

    A statement is looked at when it is first asked of a log: its plan is compared with and without the
    index, on an empty clone of the schema. An index is made only for a statement which searches by it
    instead of scanning a whole table *and* whose rows come in the same order as without (see
    :mod:`nutrace.plans.order`); in the log itself only if that holds for all statements seen so far.
    Statements that gain nothing, or whose order is not certain, read the log.

    A log that is replaced or written to is looked at anew, and its former copy is not used. Threads may
    share one; a thread that needs what another is making waits for it, and so does a fork. A child counts
    from zero.

    Parameters
    ----------
    options:
        ``None`` takes the defaults.
    following:
        Answers a query on the copy, such as a pool; what it does not answer runs on a connection to the copy
        that is opened for it.
    """

    def __init__(self, options: Optional[Options] = None, following: Optional[Following] = None) -> None:
        self.options = options or Options()
        self._following = following
        self._runner = Runner()
        self._concerned: Dict[str, bool] = {}  # by statement, whether it reads a table that may lack an index
        self._logs: OrderedDict[str, _Known] = OrderedDict()
        self._counted: Set[str] = set()  # logs whose indexes were counted
        self._deferred_since: Dict[str, int] = {}  # by log, in nanoseconds
        self._figures = Figures(
            *("indexes_made", "already_there", "refused", "deferred", "failed"),
            *("copies_made", "copies_found", "queries_redirected", "bytes_copied", "spent_ns"),
        )
        self._maker = Maker(self.options, self._figures)

    def answer(self, query: str, parameters: Any, file: Any) -> Optional[Rows]:
        """The rows of a query that is to read the copy; ``None`` if it is to read the log."""
        name = os.fsdecode(file)
        copy = self.file_for(name, query)
        if copy == name:
            return None
        rows = self._following(query, parameters, copy) if self._following is not None else None
        if rows is None and self._runner.accepts(query):
            rows = self._runner.run_alone(copy, query, parameters)
        self._figures.add(queries_redirected=int(rows is not None))
        return rows

    def file_for(self, file: str, text: str) -> str:
        """The copy that a statement is to read instead of `file`, or `file`; makes what it lacks.

        Whatever is wrong with the log or a copy, the statement reads the log.
        """
        if not self._is_concerned(text):
            return file
        name = absolute(file)
        known = self._logs.get(name)
        if known is not None and known.settled and (text in known.from_copy or not self._maker.made_in(name)):
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
        if identity(known.copy) != known.copy_identity:  # it was removed or changed: look again
            self._logs.pop(name, None)
            return file
        return known.copy

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``indexes_made`` in logs and copies, ``already_there`` in logs, or made by other processes;
        ``refused`` statements whose order an index could change; ``deferred`` statements that ran as stock
        while their log was read; ``failed`` logs that run as stock; ``copies_made`` and ``copies_found``;
        ``queries_redirected`` to a copy; ``bytes_copied``, indexes included; ``spent_ns`` looking at plans,
        copying and making.
        """
        return self._figures.as_dict()

    def clear(self) -> None:
        """Forget what is known of logs; the indexes and copies stay."""
        self._logs.clear()

    def _is_concerned(self, text: str) -> bool:
        concerned = self._concerned.get(text)
        if concerned is None:
            if len(self._concerned) >= _MOST_STATEMENTS:
                self._concerned.clear()
            concerned = self._concerned[text] = _TABLES.search(text) is not None
        return concerned

    def _defers(self, name: str) -> bool:
        """Whether a statement runs as stock, and the next one is looked at instead.

        The program is reading the log, and a reader keeps a log locked against the index.
        """
        place = self.options.place
        if not readers.any(name) or place == "copy" or not can_write(name):
            return False
        patience_s = _OTHERS_S
        if readers.own(name):
            patience_s = _OWN_S if place == "auto" else float("inf")
        waited_ns = now_ns() - self._deferred_since.setdefault(name, now_ns())
        if waited_ns < patience_s * 1e9:
            self._figures.add(deferred=1)
            return True
        return False

    # -- a statement that is new -------------------------------------------------------------

    def _look(self, name: str, text: str) -> Optional[_Known]:
        # Other threads wait: their statements would scan whole tables, and delay the index that avoids it.
        with forks.making:
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
            except Exception:  # a statement of the program's must not fail because of us
                fault(f"looking for indexes in {name}")
                self._give_up(name, None)
            finally:
                self._deferred_since.pop(name, None)
                self._figures.add(spent_ns=now_ns() - began)
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
        self._figures.add(failed=1)
        if error is not None:
            reason = " ".join(str(error).split())
            where = "" if name in reason else f"{name}: "
            say(f"{self.options.speedup}: {where}{reason}; its statements run as stock")

    def _decide(self, name: str, known: _Known, text: str) -> bool:
        """Whether a statement is to read the copy; makes what it lacks."""
        with open_log(name) as log:
            try:
                before = plan_of(log.connection, text)
            except (sqlite3.Error, sqlite3.Warning, ValueError):  # it fails in the program as well
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
                self._figures.add(refused=int(gained is None))
                return False
            wanted = {index: ddl for index, ddl in absent.items() if index in gained}
            why = "" if known.copy else self._maker.not_in_place(name, log, wanted, known.seen)
        if not known.copy and not why:
            why = "this thread is reading it" if readers.own(name) else self._maker.in_place(name, wanted)
            if not why:
                return False
        if self.options.place == "log":
            raise OutputError(f"{name}: {why}")
        if not known.copy:
            known.copy = self._maker.copied(name, absent, why)
            known.copy_identity = identity(known.copy)
        with open_log(known.copy) as copied:
            after = plan_of(copied.connection, text)
            return bool(spared(before, after, copied.connection, text))

    def _count_there(self, name: str, number: int) -> None:
        if name not in self._counted:
            self._counted.add(name)
            self._figures.add(already_there=number)
