"""Figures of speedups as OpenTelemetry metrics, for programs that have a meter provider.

The metrics API is not imported for this: a program that collects metrics imports it, and the instruments are
made then. OpenTelemetry's proxy provider keeps them until the program sets its own provider. An instrument
cannot be removed: it is made once, and has points as long as a speedup with its figure is on.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, Callable, Iterable, Iterator, List, Protocol, Set, Tuple

import wrapt

import nutrace
from nutrace import semconv
from nutrace.speedups.measures import Measure, measures
from nutrace.speedups.own_faults import fault

_API = "opentelemetry.metrics"


class Measured(Protocol):
    """A speedup that is on."""

    name: str
    refused: str
    part: Any


class Metrics:
    """The instruments.

    Parameters
    ----------
    living:
        Gives the speedups that are on now.
    """

    def __init__(self, living: Callable[[], Iterable[Measured]]) -> None:
        self._living = living
        self._api: Any = None
        self._awaited = False
        self._made: Set[str] = set()
        self._pid = os.getpid()

    def update(self) -> None:
        """Make the instruments of the speedups that are on: now, or when the API is imported."""
        if self._api is not None:
            self._make()
        elif not self._awaited:
            self._awaited = True
            wrapt.register_post_import_hook(self._imported, _API)

    def _imported(self, api: ModuleType) -> None:
        self._api = api
        self._pid = os.getpid()
        self._make()

    def _make(self) -> None:
        try:
            figures = dict.fromkeys(name for each in self._living() for name in each.part.stats())
            wanted = {
                metric: group for metric, group in measures(figures).items() if metric not in self._made
            }
            if not wanted:
                return
            meter = self._meter()
            for metric, group in wanted.items():
                self._made.add(metric)
                first = group[0]
                kind = "counter" if first.rises else "up_down_counter"
                create = getattr(meter, f"create_observable_{kind}")
                create(metric, [self._callback(group)], first.unit, first.description)
        except Exception:  # the program's import must not fail because of us
            fault("making instruments for speedups")

    def _meter(self) -> Any:
        # Not get_meter(): it may load the provider that OTEL_PYTHON_METER_PROVIDER names, and then the
        # program cannot set one.
        proxy = getattr(self._api._internal, "_PROXY_METER_PROVIDER", self._api)
        return proxy.get_meter(semconv.SCOPE, nutrace.__version__)

    def _callback(self, group: List[Measure]) -> Callable[[Any], Iterator[Any]]:
        def observe(_: Any) -> Iterator[Any]:
            points: List[Tuple[Any, Any]] = []
            for each in list(self._living()):
                try:
                    points += self._points(each, group)
                except Exception:  # the program's export must not fail because of us
                    fault(f"reading figures of {each.name}")
            return iter([self._api.Observation(value, attributes) for value, attributes in points])

        return observe

    def _points(self, speedup: Measured, group: List[Measure]) -> List[Tuple[Any, Any]]:
        if speedup.refused:
            return []
        figures = speedup.part.stats()
        return [
            (measure.value(figures), self._attributes(speedup.name, measure))
            for measure in group
            if measure.figure in figures
        ]

    def _attributes(self, name: str, measure: Measure) -> Any:
        attributes = {semconv.SPEEDUP_NAME: name, **measure.attributes}
        if measure.metric.startswith("db.client.connection."):
            attributes[semconv.CONNECTION_POOL_NAME] = name
        # A forked child counts from zero with its parent's provider, so its points are another series.
        if os.getpid() != self._pid:
            attributes["process.pid"] = os.getpid()
        return attributes
