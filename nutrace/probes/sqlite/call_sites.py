"""The call sites of database calls: one for each place in the program, statement and database file."""

from __future__ import annotations

from typing import Any, Dict

from nutrace import semconv
from nutrace.probes.callers import CallSites, calling_frame
from nutrace.probes.sqlite.text import Statement
from nutrace.recording.span import CallSite, process_state

_CLIENT = 3  # OTLP's kind of span
_NAMES = (
    semconv.STATEMENT_SPAN,
    semconv.CONNECT_SPAN,
    semconv.CLOSE_SPAN,
    semconv.COMMIT_SPAN,
    semconv.ROLLBACK_SPAN,
)


class DatabaseCallSites:
    """The call sites of one installation of the probes; see :data:`call_sites`."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin anew, with the settings of a new installation."""
        attributes = {semconv.DB_SYSTEM: "sqlite"}
        self._with_text = process_state.sql_text
        self._of: Dict[str, CallSites] = {
            name: CallSites(name, "database", kind=_CLIENT, attributes=attributes) for name in _NAMES
        }
        self._statements = self._of[semconv.STATEMENT_SPAN]

    def statement(self, statement: Statement, namespace: str) -> CallSite:
        """The call site of a statement that the program executes now, in the file `namespace`."""
        sites = self._statements
        try:
            frame = calling_frame()
            key = (statement.digest, namespace)
            site = sites.find(frame, key)
            if site is None:
                attributes: Dict[str, Any] = {semconv.DB_SYSTEM: "sqlite", semconv.DB_NAMESPACE: namespace}
                if self._with_text:
                    attributes[semconv.DB_TEXT] = statement.text
                attributes[semconv.DB_OPERATION] = statement.operation
                attributes[semconv.SQL_STATEMENT] = statement.digest
                site = sites.add(frame, key, attributes)
            return site
        except Exception:  # a module's name may be anything
            process_state.fault("finding the caller of a statement")
            return sites.others

    def call(self, name: str, namespace: str) -> CallSite:
        """The call site of a connect, close, commit or rollback that the program does now."""
        sites = self._of[name]
        try:
            frame = calling_frame()
            site = sites.find(frame, namespace)
            if site is None:
                attributes = {semconv.DB_SYSTEM: "sqlite", semconv.DB_NAMESPACE: namespace}
                site = sites.add(frame, namespace, attributes)
            return site
        except Exception:  # a module's name may be anything
            process_state.fault(f"finding the caller of {name}")
            return sites.others


#: Connections outlive an installation, so they all look here.
call_sites = DatabaseCallSites()
