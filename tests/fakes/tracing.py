"""Trace a block of a test, and read what was recorded."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import nutrace
from nutrace.probes.probe import Probe
from nutrace.session import Session
from nutrace.trace import SpanView, Trace

_numbers = itertools.count()


class Tracing:
    """Traces this process during a ``with`` block, into a new run file for each block.

    Parameters
    ----------
    folder:
        The folder of the run files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session: Optional[Session] = None
        self.path: Optional[Path] = None
        self._trace: Optional[Trace] = None

    @contextmanager
    def __call__(self, *probes: Probe, **settings: Any) -> Iterator[Session]:
        self._trace = None
        name = f"run-{next(_numbers)}.json"
        options: Dict[str, Any] = {"summary": False, "compress_us": 0, **settings}
        chosen = nutrace.Settings(output=str(self.folder / name), **options)
        session = self.session = nutrace.instrument(chosen, probes=probes)
        try:
            yield session
        finally:
            self.path = nutrace.uninstrument()

    @property
    def trace(self) -> Trace:
        """The trace of the last block."""
        if self._trace is None:
            assert self.path is not None, "nothing was recorded"
            self._trace = nutrace.load(self.path)
        return self._trace

    @property
    def faults(self) -> List[str]:
        """Faults of nutrace itself."""
        assert self.session is not None
        return self.session.recorder.faults

    @property
    def missing(self) -> Dict[str, str]:
        """The targets that are missing, with the reason."""
        assert self.session is not None
        return self.session.engine.missing

    def spans(self, name: str) -> List[SpanView]:
        """The spans with a name, in the order of the tree."""
        if self.path is None:
            return []
        return [span for span in self.trace if span.name == name]

    def span(self, name: str) -> SpanView:
        """The only span with a name."""
        (span,) = self.spans(name)
        return span

    def calls(self, name: str) -> int:
        """The number of calls of the spans with a name."""
        return sum(span.calls for span in self.spans(name))

    def shape(self) -> List[Any]:
        """The tree as nested ``(name, [children])``; a leaf is its name."""
        if self.path is None:
            return []
        return [_shape(self.trace[root]) for root in self.trace.roots]


def _shape(span: SpanView) -> Any:
    children: Tuple[SpanView, ...] = span.children
    return (span.name, [_shape(child) for child in children]) if children else span.name
