"""Spans as lines of the run file."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.recording import encoding, names
from nutrace.recording.composites import Record
from nutrace.recording.diagnostics import Diagnostics
from nutrace.recording.runfile import Lost, RunFile
from nutrace.recording.span import Span, process_state

#: A record, and the id of the thread it was made in.
Entry = Tuple[Record, int]

# A scope's name and version, and its spans as texts.
_Group = Tuple[Tuple[str, str], List[str]]

# Spans to a line; readers cut a joined file there. Lines of 1,000 spans take a tenth longer for each span:
# memory of that size is asked for anew every time.
_LINE = 100
_ASIDE = (semconv.OPEN_SCOPE, "")  # the scope of a line that only describes, or has open spans


class Writer:
    """Encodes records and appends them to a run file.

    Parameters
    ----------
    file:
        Where they go.
    describe:
        Gives the resource's attributes: all of them, or the few that identify the process.
    version:
        Of nutrace: the version of scopes that have no version of their own.
    text_limit:
        See :class:`nutrace.settings.Settings`.
    diagnostics:
        Where losses are counted.
    lose:
        Says why spans are being lost.
    """

    def __init__(
        self,
        file: RunFile,
        describe: Callable[[bool], Mapping[str, Any]],
        version: str,
        text_limit: int,
        diagnostics: Diagnostics,
        lose: Callable[[str], None],
    ) -> None:
        self.encoder = encoding.Encoder(text_limit)
        self._file = file
        self._describe = describe
        self._version = version
        self._diagnostics = diagnostics
        self._lose = lose
        self.taken_back = 0  # spans that were written, and are not in the file any more
        self._identity = ""  # the resource of every line but the first

    def write(self, entries: Sequence[Entry]) -> Tuple[List[Entry], List[Entry]]:
        """Append records; returns those that could be encoded, and of these the ones that are on disk."""
        lost = self._file.follow()
        if lost is not None and lost.spans:
            self._count(lost)
            self._lose(f"{self._file.run}{names.PARTIAL} was deleted while the program ran")
        encoded: List[Entry] = []
        texts: List[str] = []
        encode = self.encoder.encode
        for entry in entries:
            try:
                texts.append(encode(*entry))
            except Exception:  # one bad span must not take the others with it
                process_state.fault("encoding a span")
                self._diagnostics.dropped += _calls([entry])
                continue
            encoded.append(entry)
        self.encoder.tracebacks.forget()
        self._diagnostics.truncated = self.encoder.truncated
        return encoded, self._append_all(encoded, texts)

    def _append_all(self, entries: Sequence[Entry], texts: Sequence[str]) -> List[Entry]:
        kept: List[Entry] = []
        dropped = self._diagnostics.dropped
        for first in range(0, len(entries), _LINE):
            batch = entries[first : first + _LINE]
            calls = _calls(batch)
            if self._append(self._resource(), _by_scope(batch, texts[first : first + _LINE]), calls):
                kept += batch
            else:
                self._diagnostics.dropped += calls
        if self._diagnostics.dropped > dropped:
            with contextlib.suppress(Exception):  # it is tried again when more is lost, and at the end
                self.insist(self._losses, _ASIDE)
        return kept

    def _losses(self) -> Mapping[str, Any]:
        return {**self._describe(not self._file.begun), semconv.SPANS_DROPPED: self._diagnostics.dropped}

    def insist(self, describe: Callable[[], Mapping[str, Any]], scope: Tuple[str, str]) -> None:
        """Append a line without spans; on a full disk it takes the place of spans, which are counted as lost.

        Parameters
        ----------
        describe:
            Gives the resource's attributes; it is asked again when more is lost.

        Raises
        ------
        OSError
            If that does not help.
        """
        while True:
            try:
                self._file.write(encoding.resource(describe()), self._scopes([(scope, [])]))
                return
            except OSError:
                cut = self._file.cut()
                if cut is None:
                    raise
                self._count(cut)

    def _count(self, lost: Lost) -> None:
        self.taken_back += lost.spans
        self._diagnostics.dropped += lost.calls

    def announce(self, spans: Sequence[Span], now: int) -> None:
        """Append that `spans` are open at the clock reading `now`."""
        texts = [self.encoder.announce(span, now) for span in spans]
        for first in range(0, len(texts), _LINE):
            self._append(self._resource(), [(_ASIDE, texts[first : first + _LINE])])

    def tell(self, attributes: Mapping[str, Any]) -> None:
        """Append attributes of the resource that have changed."""
        resource = encoding.resource({**self._describe(False), **attributes})
        self._append(resource, [(_ASIDE, [])])

    def tell_whole(self, key: str, text: str) -> None:
        """Append an attribute of the resource, however long its text is.

        Raises
        ------
        OSError
            If the disk will not take it; what was written before stays.
        """
        resource = encoding.resource({**self._describe(False), key: text}, max(len(text), 1 << 10))
        self._file.write(resource, self._scopes([(_ASIDE, [])]))

    def _append(self, resource: str, groups: Sequence[_Group], calls: int = 0) -> bool:
        try:
            self._file.write(resource, self._scopes(groups), calls)
        except OSError as error:
            self._lose(f"cannot write {self._file.partial}: {error.strerror}")
            return False
        return True

    def _scopes(self, groups: Sequence[_Group]) -> List[Tuple[str, List[str]]]:
        return [(encoding.scope(name, version or self._version), texts) for (name, version), texts in groups]

    def _resource(self) -> str:
        if not self._file.begun:
            try:
                return encoding.resource(self._describe(True))
            except Exception:  # spans without a description are better than no spans
                process_state.fault("describing the process")
        if not self._identity:
            self._identity = encoding.resource(self._describe(False))
        return self._identity


def _by_scope(entries: Sequence[Entry], texts: Sequence[str]) -> List[_Group]:
    """The texts of entries in their order, neighbours of one scope together."""
    groups: List[_Group] = []
    scope: Optional[Tuple[str, str]] = None
    for (record, _), text in zip(entries, texts):
        if record.site.scope != scope:
            scope = record.site.scope
            groups.append((scope, []))
        groups[-1][1].append(text)
    return groups


def _calls(entries: Sequence[Entry]) -> int:
    """How many calls records stand for, as reports count them."""
    calls = 0
    for record, _ in entries:
        if type(record) is not Span:
            calls += record.count  # type: ignore[union-attr]
        elif record.details is None or record.details.continues is None:
            calls += 1
    return calls
