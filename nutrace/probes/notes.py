"""Attributes that probes read off calls and results; whatever a reader does, the call is unchanged."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from nutrace.recording.span import CallSite, process_state

Wrapped = Callable[..., Any]
Args = Tuple[Any, ...]
Kwargs = Dict[str, Any]
#: wrapt's calling convention: (wrapped, instance, args, kwargs).
Wrapper = Callable[[Wrapped, Any, Args, Kwargs], Any]
Noter = Callable[[Any, Args, Mapping[str, Any]], Mapping[str, Any]]
ResultNoter = Callable[[Any, Any], Mapping[str, Any]]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def read(
    noter: Optional[Noter], site: CallSite, instance: Any, args: Args, kwargs: Kwargs
) -> Mapping[str, Any]:
    """The attributes that `noter` reads off a call."""
    if noter is None:
        return _NOTHING
    try:
        # A reader must not change the dictionary that the program's function gets.
        return dict(noter(instance, args, MappingProxyType(kwargs)) or _NOTHING)
    except Exception:  # a reader may fail on anything; the call goes on
        process_state.fault(f"reading attributes for {site.name}")
        return _NOTHING


def read_result(noter: ResultNoter, site: CallSite, instance: Any, result: Any) -> Mapping[str, Any]:
    """The attributes that `noter` reads off a result."""
    try:
        return dict(noter(instance, result) or _NOTHING)
    except Exception:  # a reader may fail on anything; the call goes on
        process_state.fault(f"reading attributes for {site.name}")
        return _NOTHING
