"""Spans as lines of the run file."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.recording import encoding
from nutrace.recording.composites import Record
from nutrace.recording.diagnostics import Diagnostics
from nutrace.recording.runfile import RunFile
from nutrace.recording.span import Span, process_state

#: A record, and the id of the thread it was made in.
Entry = Tuple[Record, int]

# Spans to a line; readers cut a joined file there. Lines of 1,000 spans take a tenth longer for each span:
# memory of that size is asked for anew every time.
_LINE = 100


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
        self._identity = ""  # the resource of every line but the first

    def write(self, entries: Sequence[Entry]) -> List[Entry]:
        """Append records; returns those that could be encoded, even if the disk then refused them."""
        encoded: List[Entry] = []
        groups: List[Tuple[Tuple[str, str], List[str]]] = []  # neighbours of one scope
        scope: Optional[Tuple[str, str]] = None
        texts: List[str] = []
        encode = self.encoder.encode
        for entry in entries:
            record, thread_id = entry
            if record.site.scope != scope:
                scope, texts = record.site.scope, []
                groups.append((scope, texts))
            try:
                texts.append(encode(record, thread_id))
            except Exception:  # one bad span must not take the others with it
                process_state.fault("encoding a span")
                self._diagnostics.dropped += 1
                continue
            encoded.append(entry)
        for key, spans in groups:
            for first in range(0, len(spans), _LINE):
                batch = spans[first : first + _LINE]
                if not self._append(self._resource(), key, batch):
                    self._diagnostics.dropped += len(batch)
        self._diagnostics.truncated = self.encoder.truncated
        return encoded

    def announce(self, spans: Sequence[Span], now: int) -> None:
        """Append that `spans` are open at the clock reading `now`."""
        texts = [self.encoder.announce(span, now) for span in spans]
        for first in range(0, len(texts), _LINE):
            self._append(self._resource(), (semconv.OPEN_SCOPE, ""), texts[first : first + _LINE])

    def tell(self, attributes: Mapping[str, Any]) -> None:
        """Append attributes of the resource that have changed."""
        resource = encoding.resource({**self._describe(False), **attributes})
        self._append(resource, (semconv.OPEN_SCOPE, ""), [])

    def _append(self, resource: str, scope: Tuple[str, str], spans: List[str]) -> bool:
        name, version = scope
        try:
            self._file.write(resource, encoding.scope(name, version or self._version), spans)
        except OSError as error:
            self._lose(f"cannot write {self._file.partial}: {error.strerror}")
            return False
        return True

    def _resource(self) -> str:
        if not self._file.begun:
            try:
                return encoding.resource(self._describe(True))
            except Exception:  # spans without a description are better than no spans
                process_state.fault("describing the process")
        if not self._identity:
            self._identity = encoding.resource(self._describe(False))
        return self._identity
