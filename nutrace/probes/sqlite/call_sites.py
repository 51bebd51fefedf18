"""The call sites of database calls: one for each place in the program, statement and database file."""

from __future__ import annotations

from typing import Any, Dict, Optional

from nutrace import semconv
from nutrace.probes.callers import CallSites, calling_frame
from nutrace.recording.span import CallSite, process_state
from nutrace.sql.text import Statement

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

    def find(self, name: str, namespace: str, statement: Optional[Statement] = None) -> CallSite:
        """The call site of a call that the program makes now.

        Parameters
        ----------
        name:
            Span name.
        namespace:
            The database file.
        statement:
            What is executed, if it is an execution.
        """
        sites = self._of[name]
        try:
            frame = calling_frame()
            key = (namespace, "" if statement is None else statement.digest)
            return sites.find(frame, key) or sites.add(frame, key, self._attributes(namespace, statement))
        except Exception:  # the name of the program's module may be anything
            process_state.fault(f"finding the caller of {name}")
            return sites.others

    def _attributes(self, namespace: str, statement: Optional[Statement]) -> Dict[str, Any]:
        attributes: Dict[str, Any] = {semconv.DB_SYSTEM: "sqlite", semconv.DB_NAMESPACE: namespace}
        if statement is not None:
            if self._with_text:
                attributes[semconv.DB_TEXT] = statement.text
            attributes[semconv.DB_OPERATION] = statement.operation
            attributes[semconv.SQL_STATEMENT] = statement.digest
        return attributes


#: Connections outlive an installation, so they all look here.
call_sites = DatabaseCallSites()
