"""Who asks: a site for each statement, place in the program and database file."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Dict, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.probes.callers import place_of
from nutrace.probes.sqlite.text import Statement
from nutrace.recording.span import CallSite, process_state

_MOST = 10_000  # sites; whoever asks beyond that shares one for each kind of span
_OTHERS = "…other callers"
Place = Tuple[str, str, int]  # function, file, line
_CLIENT = 3  # OTLP's kind of span

#: Packages between a program and sqlite3, whose frames are no callers.
_BETWEEN = ("sqlite3", "_sqlite3", "sqlalchemy", "wrapt", "opentelemetry")
_OURS = ("nutrace.probes", "nutrace.recording", "nutrace.speedups")


def _is_between(module: Any) -> bool:
    if not isinstance(module, str):
        return False
    return module.partition(".")[0] in _BETWEEN or module.startswith(_OURS)


class _Modules(Dict[Any, bool]):
    """Whether a module, by its name, lies between."""

    def __missing__(self, module: Any) -> bool:
        found = _is_between(module)
        if len(self) < _MOST:
            self[module] = found
        return found


_between = _Modules()


def caller() -> Optional[FrameType]:
    """The innermost frame that is the program's own."""
    frame: Optional[FrameType] = sys._getframe(2)
    while frame is not None and _between[frame.f_globals.get("__name__")]:
        frame = frame.f_back
    return frame


class Sites:
    """The sites of one installation.

    Parameters
    ----------
    with_text:
        Whether statements are written, or their hashes only.
    """

    def __init__(self, with_text: bool) -> None:
        self._with_text = with_text
        # By code object and instruction, known by their ids (a code object's hash is slow); the
        # code is kept, so that its id stays its own.
        self._known: Dict[Tuple[Any, ...], Tuple[CallSite, Any]] = {}
        self._sites: Dict[Tuple[Any, ...], CallSite] = {}
        self._others: Dict[str, CallSite] = {}

    def statement(self, statement: Statement, namespace: str) -> CallSite:
        """The site of a statement's executions, by whoever asks for it now."""
        frame: Optional[FrameType] = sys._getframe(2)
        while frame is not None and _between[frame.f_globals.get("__name__")]:  # `caller` written out
            frame = frame.f_back
        if frame is None:
            key: Tuple[Any, ...] = (0, 0, statement.digest, namespace)
        else:
            key = (id(frame.f_code), frame.f_lasti, statement.digest, namespace)
        known = self._known.get(key)
        if known is not None:
            return known[0]
        return self._make(key, frame, semconv.STATEMENT_SPAN, self._about(namespace, statement))

    def plain(self, name: str, namespace: str) -> CallSite:
        """The site of what is no statement: connect, close, commit, rollback; likewise."""
        frame: Optional[FrameType] = sys._getframe(2)
        while frame is not None and _between[frame.f_globals.get("__name__")]:
            frame = frame.f_back
        if frame is None:
            key: Tuple[Any, ...] = (0, 0, name, namespace)
        else:
            key = (id(frame.f_code), frame.f_lasti, name, namespace)
        known = self._known.get(key)
        if known is not None:
            return known[0]
        return self._make(key, frame, name, self._about(namespace))

    def _about(self, namespace: str, statement: Optional[Statement] = None) -> Mapping[str, Any]:
        attributes = {semconv.DB_SYSTEM: "sqlite", semconv.DB_NAMESPACE: namespace}
        if statement is not None:
            if self._with_text:
                attributes[semconv.DB_TEXT] = statement.text
            attributes[semconv.DB_OPERATION] = statement.operation
            attributes[semconv.SQL_STATEMENT] = statement.digest
        return attributes

    def _make(
        self, key: Tuple[Any, ...], frame: Optional[FrameType], name: str, attributes: Mapping[str, Any]
    ) -> CallSite:
        if len(self._known) >= _MOST:
            self._known.clear()
        place = ("", "", 0) if frame is None else place_of(frame)
        site = self._shared(place, name, attributes, *key[2:])
        self._known[key] = (site, None if frame is None else frame.f_code)
        return site

    def _shared(self, place: Place, name: str, attributes: Mapping[str, Any], *kind: str) -> CallSite:
        key = (*place, *kind)
        site = self._sites.get(key)
        if site is None:
            if len(self._sites) >= _MOST:
                return self._share(name)
            function, file, line = place
            site = CallSite(
                name,
                "database",
                function=function,
                file=file,
                line=line,
                kind=_CLIENT,
                attributes=attributes,
            )
            site = self._sites.setdefault(key, site)
        return site

    def _share(self, name: str) -> CallSite:
        attributes = {semconv.DB_SYSTEM: "sqlite"}
        others = CallSite(name, "database", function=_OTHERS, kind=_CLIENT, attributes=attributes)
        return self._others.setdefault(name, others)


class _Current:
    """The sites of the installation that records: connections outlive one."""

    def __init__(self) -> None:
        self.sites = Sites(True)

    def renew(self) -> None:
        """A new installation, whose settings may differ."""
        self.sites = Sites(process_state.sql_text)


current_sites = _Current()
