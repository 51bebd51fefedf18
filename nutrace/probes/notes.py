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

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Notes:
    """The attributes that readers read off the calls of one function, and off their results.

    Parameters
    ----------
    site:
        Of the function.
    call:
        Gets the instance, the arguments and the keyword arguments of each call.
    result:
        Gets the instance and the result of each call that returns.
    of_method:
        Whether the first argument is the instance.
    """

    def __init__(
        self,
        site: CallSite,
        call: Optional[Noter] = None,
        result: Optional[ResultNoter] = None,
        *,
        of_method: bool = False,
    ) -> None:
        self._where = f"reading attributes for {site.name}"
        self._call = call
        self._result = result
        self._of_method = of_method

    def of_call(self, instance: Any, args: Args, kwargs: Kwargs) -> Mapping[str, Any]:
        """The attributes of a call; whatever the reader does, the call is unchanged."""
        if self._call is None:
            return NOTHING
        if self._of_method and args:  # without, the object was given by keyword, or forgotten
            instance, args = args[0], args[1:]
        try:
            # A reader must not change the dictionary that the program's function gets.
            return dict(self._call(instance, args, MappingProxyType(kwargs)) or NOTHING)
        except Exception:  # a reader may fail on anything; the call goes on
            process_state.fault(self._where)
            return NOTHING

    def of_result(self, instance: Any, args: Args, result: Any) -> Mapping[str, Any]:
        """The attributes of a result, which the call with `args` returned."""
        if self._result is None:
            return NOTHING
        if self._of_method and args:
            instance = args[0]
        try:
            return dict(self._result(instance, result) or NOTHING)
        except Exception:  # a reader may fail on anything; the call goes on
            process_state.fault(self._where)
            return NOTHING


def notes_for(
    site: CallSite, call: Optional[Noter], result: Optional[ResultNoter] = None, *, of_method: bool
) -> Optional[Notes]:
    """The :class:`Notes` of these readers, if there are any."""
    if call is None and result is None:
        return None
    return Notes(site, call, result, of_method=of_method)
