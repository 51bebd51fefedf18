"""Makes the indexes that a log lacks: in it, or in a copy."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from typing import Dict, Iterable, Sequence, Set

from nutrace.errors import OutputError
from nutrace.plans.candidates import lacking
from nutrace.plans.clone import clone
from nutrace.plans.log import Log, open_log
from nutrace.plans.log_copies import cache_folder, copy, find, folders
from nutrace.plans.make import can_write, ensure
from nutrace.plans.order import spared
from nutrace.plans.query_plan import plan_of
from nutrace.recording.faults import say
from nutrace.speedups.index_options import NAME, Options


class Maker:
    """What makes them, and says so in a line each.

    Parameters
    ----------
    options:
        Where, and within which bounds.
    figures:
        Counted up.
    """

    def __init__(self, options: Options, figures: Counter[str]) -> None:
        self._options = options
        self._figures = figures
        # Before the program changes its directory.
        self._folder = (
            os.path.abspath(os.path.expanduser(options.folder)) if options.folder else cache_folder()
        )
        self._made: Dict[str, Set[str]] = {}  # in which logs this process made indexes, and their names

    # -- in the log --------------------------------------------------------------------------

    def made_in(self, name: str) -> bool:
        """Whether this process made an index in a log itself."""
        return name in self._made

    def not_in_place(self, name: str, log: Log, wanted: Dict[str, str], texts: Iterable[str]) -> str:
        """Why an index should not be made in the log itself; "" if it may."""
        if self._options.place == "copy":
            return "place=copy"
        if self._options.place == "auto" and self._found(name):
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
        """Make indexes; says why it could not."""
        for index, ddl in wanted.items():
            try:
                change = ensure(name, index, ddl, wait_s=self._options.wait_s)
            except OutputError as error:
                return str(error).replace(f"{name}: ", "")
            if change is None:
                self._figures["already_there"] += 1
                continue
            self._figures["indexes_made"] += 1
            self._made.setdefault(name, set()).add(index)
            say(f"{NAME}: {name}: {ddl}; {change.seconds:.1f} s; nutrace index --drop undoes it")
        return ""

    def check_order(self, name: str, log: Log, plan: Sequence[str], text: str) -> None:
        """A statement that comes later: is it as it would be without what this process made?"""
        made = self._made.get(name)
        if not made:
            return
        with clone(log, [f'DROP INDEX IF EXISTS "{index}"' for index in made]) as without:
            if spared(plan_of(without, text), plan, log.connection, text) is None:
                self._figures["refused"] += 1
                say(
                    f"{NAME}: {name}: rows of a statement may come in another order than without "
                    f"{', '.join(sorted(made))}: {' '.join(text.split())[:200]}; "
                    f"nutrace index --drop, and then {NAME}:place=copy, leaves them as they were"
                )

    # -- in a copy ---------------------------------------------------------------------------

    def copied(self, name: str, indexes: Dict[str, str], why: str) -> str:
        """The path of a copy that has the indexes, found or made; raises as :func:`copy` does."""
        found = self._found(name)
        if found:
            self._figures["copies_found"] += 1
            return found
        if self._folder:
            size = os.path.getsize(name)
            say(
                f"{NAME}: {name}: {why}: copying {size / 1e6:,.0f} MB to {self._folder}; "
                "nutrace index --drop removes it"
            )
        copied = copy(
            name,
            self._folder,
            indexes,
            wait_s=self._options.wait_s,
            most_bytes=self._options.most_gib * 2**30,
        )
        if copied.made:
            self._figures["copies_made"] += 1
            self._figures["indexes_made"] += len(indexes)
            self._figures["bytes_copied"] += copied.size
        else:
            self._figures["copies_found"] += 1
        return copied.path

    def _found(self, name: str) -> str:
        """A copy that lacks nothing."""
        path = find(name, folders(name, self._folder))
        if path is None:
            return ""
        with open_log(path) as log:
            return "" if lacking(log) else path
