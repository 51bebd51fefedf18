"""Probes in a program's own source: ``@nutrace.probe`` and ``with nutrace.span(...)``."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union, cast, overload

from opentelemetry.trace import INVALID_SPAN
from opentelemetry.trace import Span as OtelSpan

from nutrace.errors import ProbeError
from nutrace.probes import blocks
from nutrace.probes.kinds import unsupported
from nutrace.probes.recipe import Recipe, put
from nutrace.probes.switch import switch
from nutrace.recording.span import CallSite, Span
from nutrace.semconv import COMPONENTS

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def probe(function: Function) -> Function: ...


@overload
def probe(*, component: str = "other", name: Optional[str] = None) -> Callable[[Function], Function]: ...


def probe(
    function: Optional[Function] = None, *, component: str = "other", name: Optional[str] = None
) -> Union[Function, Callable[[Function], Function]]:
    """Decorator: a span around each call while tracing is on, next to nothing while it is off.

    Works on functions, methods, class and static methods, generators, coroutines and functions
    made with ``@contextmanager``.

    >>> @nutrace.probe(component="planner")
    ... def propose(count):
    ...     return [number**2 for number in range(count)]
    >>> session = nutrace.instrument(nutrace.Settings(output="proposed.json", summary=False), probes=[])
    >>> proposals = propose(50)
    >>> nutrace.load(nutrace.uninstrument()).where(component="planner").costs().calls.to_dict()
    {('propose', 'planner'): 1}

    Parameters
    ----------
    component:
        One of :data:`nutrace.semconv.COMPONENTS`.
    name:
        Span name; by default the function's qualified name.

    Raises
    ------
    ProbeError
        For an unknown component, and for something that is not a function.
    """
    _check(component)

    def decorate(target: Function) -> Function:
        inner: Any = getattr(target, "__func__", target)
        if isinstance(target, property):
            raise ProbeError("@probe stands below @property, on the function")
        reason = unsupported(inner)
        if reason:
            raise ProbeError(f"@probe stands on functions and methods: {target!r} {reason}")
        recipe = Recipe(name or str(getattr(inner, "__qualname__", repr(inner))), component)
        return cast(Function, put(target, recipe, switch))

    return decorate if function is None else decorate(function)


def span(name: str, *, component: str = "other", **attributes: Any) -> SpanBlock:
    """A with-block as a span; ``as`` gives the OpenTelemetry span, to set attributes on.

    >>> session = nutrace.instrument(nutrace.Settings(output="scored.json", summary=False), probes=[])
    >>> with nutrace.span("planner.score", component="planner", proposals=50) as span:
    ...     span.set_attribute("best", 7)
    >>> scored = nutrace.load(nutrace.uninstrument()).find("planner.score")[0]
    >>> scored.attributes["proposals"], scored.attributes["best"]
    (50, 7)

    Parameters
    ----------
    name:
        Span name, low in cardinality.
    component:
        One of :data:`nutrace.semconv.COMPONENTS`.
    attributes:
        Of the span, by their names.

    Raises
    ------
    ProbeError
        For an unknown component.
    """
    _check(component)
    return SpanBlock(name, component, attributes)


def are_used() -> bool:
    """Whether the program has probes or spans in its own source, as far as it has run."""
    return bool(_sites) or switch.is_watched


def _check(component: str) -> None:
    if component not in COMPONENTS:
        raise ProbeError(f"unknown component {component!r}: use one of {', '.join(COMPONENTS)}")


_sites: Dict[Tuple[str, str], CallSite] = {}
_MOST_SITES = 4096  # names may be made at run time: the table stays bounded


def _site(name: str, component: str) -> CallSite:
    site = _sites.get((name, component))
    if site is None:
        site = CallSite(name, component)
        if len(_sites) < _MOST_SITES:
            _sites[name, component] = site
    return site


class SpanBlock:
    """What :func:`span` returns: a context manager that can be used any number of times."""

    __slots__ = ("_attributes", "_component", "_name", "_open")

    def __init__(self, name: str, component: str, attributes: Dict[str, Any]) -> None:
        self._name = name
        self._component = component
        self._attributes = attributes
        self._open: List[Optional[Tuple[Span, Any]]] = []

    def __enter__(self) -> OtelSpan:
        if not switch:
            self._open.append(None)
            return INVALID_SPAN
        made, state = blocks.start(_site(self._name, self._component))
        self._open.append((made, state))
        if self._attributes:
            made.ensure_details().attributes.update(self._attributes)
        return cast(OtelSpan, made)

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        opened = self._open.pop()
        if opened is not None:
            made, state = opened
            if error is not None:
                made.fail(error)
            blocks.stop(made, state)
