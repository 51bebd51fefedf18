"""Makes the indexes that a log lacks, in the log or in a copy."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Dict, Iterable, Sequence, Set

from nutrace.errors import OutputError
from nutrace.plans.candidates import lacking
from nutrace.plans.clone import clone
from nutrace.plans.copying import copy
from nutrace.plans.log import Log, open_log, quoted
from nutrace.plans.log_copies import cache_folder, find, folders, unused
from nutrace.plans.make import can_write, ensure
from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of
from nutrace.recording.faults import say
from nutrace.speedups.figures import Figures
from nutrace.speedups.indexes.options import Options


class Maker:
    """Makes indexes and copies, and prints a line for each.

    Parameters
    ----------
    options:
        Where, and within which bounds.
    figures:
        Those of the indexes, which are counted up.
    """

    def __init__(self, options: Options, figures: Figures) -> None:
        self._options = options
        self._figures = figures
        # Resolved now: the program may change its directory later.
        self._folder = (
            os.path.abspath(os.path.expanduser(options.folder)) if options.folder else cache_folder()
        )
        self._made: Dict[str, Set[str]] = {}  # by log, the names of the indexes that this process made in it
        self._doubted: Dict[str, str] = {}  # copies that are not used, and why: printed once

    # -- in the log --------------------------------------------------------------------------

    def made_in(self, name: str) -> bool:
        """Whether this process made an index in a log itself."""
        return name in self._made

    def not_in_place(self, name: str, log: Log, wanted: Dict[str, str], texts: Iterable[str]) -> str:
        """Why an index should not be made in the log itself; "" if it may."""
        if self._options.place == "copy":
            return "place=copy"
        if self._options.place == "auto" and self._existing(name):
            return "it has a copy"
        if not can_write(name):
            return "it or its folder may not be written"
        with clone(log, list(wanted.values())) as tried:
            for text in texts:
                with contextlib.suppress(sqlite3.Error):  # it fails in the program as well
                    if spared(plan_of(log.connection, text), plan_of(tried, text), tried, text) is None:
                        return "an index could change the order of rows of a statement that ran before"
        return ""

    def in_place(self, name: str, wanted: Dict[str, str]) -> str:
        """Make indexes in the log; returns why that failed, or ""."""
        for index, ddl in wanted.items():
            try:
                change = ensure(name, index, ddl, wait_s=self._options.wait_s)
            except OutputError as error:
                return str(error).replace(f"{name}: ", "")
            if change is None:
                self._figures.add(already_there=1)
                continue
            self._figures.add(indexes_made=1)
            self._made.setdefault(name, set()).add(index)
            self._say(name, f"{ddl}; {change.seconds:.1f} s; nutrace index --drop undoes it")
        return ""

    def check_order(self, name: str, log: Log, plan: Sequence[str], text: str) -> None:
        """Say so if the indexes that this process made may change the order of a new statement's rows."""
        made = self._made.get(name)
        if not made:
            return
        with clone(log, [f"DROP INDEX IF EXISTS {quoted(index)}" for index in made]) as without:
            if spared(plan_of(without, text), plan, log.connection, text) is None:
                self._figures.add(refused=1)
                self._say(
                    name,
                    "rows of a statement may come in another order than without "
                    f"{', '.join(sorted(made))}: {' '.join(text.split())[:200]}; nutrace index --drop, and "
                    f"then {self._options.speedup}:place=copy, leaves them as they were",
                )

    # -- in a copy ---------------------------------------------------------------------------

    def copied(self, name: str, indexes: Dict[str, str], why: str) -> str:
        """The path of a copy with the indexes, which is made if there is none.

        It raises what :func:`nutrace.plans.log_copies.copy` does.
        """
        existing = self._existing(name)
        if existing:
            self._figures.add(copies_found=1)
            return existing
        if self._folder:
            size = os.path.getsize(name)
            self._say(
                name,
                f"{why}: copying {size / 1e6:,.0f} MB to {self._folder}; nutrace index --drop removes it",
            )
        copied = copy(
            name,
            self._folder,
            indexes,
            wait_s=self._options.wait_s,
            most_bytes=self._options.most_gib * 2**30,
        )
        if copied.made:
            self._figures.add(copies_made=1, indexes_made=len(indexes), bytes_copied=copied.size)
        else:
            self._figures.add(copies_found=1)
        return copied.path

    def _existing(self, name: str) -> str:
        """The path of a copy that lacks nothing, or ""."""
        within = folders(name, self._folder)
        path = find(name, within)
        if path is None:
            for each, reason in unused(name, within).items():
                if self._doubted.get(each) != reason:
                    self._doubted[each] = reason
                    self._say(name, f"its copy {each} is not used: {reason}")
            return ""
        with open_log(path) as log:
            return "" if lacking(log) else path

    def _say(self, name: str, text: str) -> None:
        say(f"{self._options.speedup}: {name}: {text}")
