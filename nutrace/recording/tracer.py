"""OpenTelemetry's tracer API over the recorder, and the bridge to a program's own provider.

While no other provider is set, ours serves instrumentations (SQLAlchemy's, requests', ...) and their
spans become records like our own. A program that sets a provider keeps it: from then on it makes
the instrumentations' spans, ours are handed to its processors, and its spans reach our file.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, cast

from opentelemetry import trace as otel
from opentelemetry.context.context import Context
from opentelemetry.util import types

from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_in
from nutrace.recording.span import CallSite, Span, process_state

try:
    from opentelemetry.util._decorator import _agnosticcontextmanager as contextmanager
except ImportError:  # opentelemetry-api before 1.23
    from contextlib import contextmanager  # type: ignore[assignment]

_MOST_SITES = 2048  # instrumentations may put values into names: the table stays bounded


class Tracer(otel.Tracer):
    """Makes :class:`Span` objects, or hands on to the program's own provider once there is one."""

    def __init__(self, provider: TracerProvider, name: str, version: str) -> None:
        self._provider = provider
        self._scope = (name, version)
        self._sites: Dict[Tuple[str, int], CallSite] = {}
        self._delegate: Optional[otel.Tracer] = None

    def _other(self) -> Optional[otel.Tracer]:
        theirs = self._provider.theirs
        if theirs is not None and self._delegate is None:
            self._delegate = theirs.get_tracer(*self._scope)
        return self._delegate

    def start_span(
        self,
        name: str,
        context: Optional[Context] = None,
        kind: otel.SpanKind = otel.SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: Optional[Sequence[otel.Link]] = None,
        start_time: Optional[int] = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> otel.Span:
        other = self._other()
        if other is not None:
            return other.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        state = current.get() if context is None else context
        span = Span(self._site(name, kind), span_in(state))
        details = span.ensure_details()
        if attributes:
            details.attributes.update(attributes)
        for link in links or ():
            span.add_link(link.context, link.attributes)
        details.backdated = start_time is not None
        span.started = now_ns() if start_time is None else int(start_time) - process_state.offset_ns
        return cast(otel.Span, span)  # it is registered as one

    @contextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Optional[Context] = None,
        kind: otel.SpanKind = otel.SpanKind.INTERNAL,
        attributes: types.Attributes = None,
        links: Optional[Sequence[otel.Link]] = None,
        start_time: Optional[int] = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[otel.Span]:
        span = self.start_span(
            name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
        with otel.use_span(span, end_on_exit, record_exception, set_status_on_exception) as used:
            yield used

    def _site(self, name: str, kind: otel.SpanKind) -> CallSite:
        key = (name, kind.value)
        site = self._sites.get(key)
        if site is None:
            # OTLP counts kinds from 1, the Python SDK from 0.
            site = CallSite(name, "other", kind=kind.value + 1, scope=self._scope)
            if len(self._sites) < _MOST_SITES:
                self._sites[key] = site
        return site


class TracerProvider(otel.TracerProvider):
    """The provider that instrumentations find while the program has not set its own."""

    def __init__(self) -> None:
        self.theirs: Optional[otel.TracerProvider] = None

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: Optional[str] = None,
        schema_url: Optional[str] = None,
        attributes: types.Attributes = None,
    ) -> otel.Tracer:
        return Tracer(self, instrumenting_module_name, instrumenting_library_version or "")


class Bridge:
    """Puts our provider in place, and makes room when the program sets its own.

    Parameters
    ----------
    on_provider:
        Called with a program's provider when there is one, to exchange spans with it; returns a function
        that ends the exchange.
    """

    def __init__(self, on_provider: Callable[[otel.TracerProvider], Callable[[], None]]) -> None:
        self.provider = TracerProvider()
        self._on_provider = on_provider
        self._set: Any = None
        self._replacement: Any = None
        self._undo: List[Callable[[], None]] = []

    def install(self) -> None:
        """Become the global provider, unless the program or its environment names another."""
        theirs = otel._TRACER_PROVIDER
        if theirs is not None:
            self._adopt(theirs)
        elif "OTEL_PYTHON_TRACER_PROVIDER" not in os.environ:
            otel._TRACER_PROVIDER = self.provider
        # The inner function, as modules may have imported set_tracer_provider by name already.
        original = self._set = otel._set_tracer_provider

        def _set_tracer_provider(tracer_provider: otel.TracerProvider, log: bool) -> None:
            self.make_room()
            before = otel._TRACER_PROVIDER
            original(tracer_provider, log)
            if otel._TRACER_PROVIDER is not before:
                self._adopt(tracer_provider)

        self._replacement = _set_tracer_provider
        otel._set_tracer_provider = _set_tracer_provider

    def make_room(self) -> None:
        """Leave the global place if it is ours."""
        if otel._TRACER_PROVIDER is self.provider:
            otel._TRACER_PROVIDER = None

    def uninstall(self) -> None:
        """Give everything back; tracers of ours that programs have kept hand on to the provider of then."""
        self.make_room()
        if otel._set_tracer_provider is self._replacement:
            otel._set_tracer_provider = self._set
        self.provider.theirs = otel._TRACER_PROVIDER or otel._PROXY_TRACER_PROVIDER
        while self._undo:
            self._undo.pop()()

    def _adopt(self, theirs: otel.TracerProvider) -> None:
        self.provider.theirs = theirs
        self._undo.append(self._on_provider(theirs))
