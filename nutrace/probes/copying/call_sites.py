"""The call sites of copies: one for each place in the program and type of what it copies."""

from __future__ import annotations

import copyreg
import sys
from types import FrameType
from typing import Any, Mapping, Optional

from nutrace import semconv
from nutrace.probes.callers import CallSites, is_ours
from nutrace.probes.copying.type_names import type_name
from nutrace.recording.span import CallSite, process_state


class CopyCallSites:
    """The call sites of one copying function.

    Parameters
    ----------
    name:
        Span name.
    dispatch, method:
        What the copying function looks at first: its table of built-in types and its special method.
        They tell ``nutrace.copy.through``, which is left out without them.
    """

    def __init__(self, name: str, dispatch: Mapping[Any, Any] = {}, method: str = "") -> None:
        self._sites = CallSites(name, "deepcopy")
        self._dispatch = dispatch
        self._method = method

    def find(self, cls: type) -> Optional[CallSite]:
        """The call site of the frame that called our caller; None if that frame is nutrace's own."""
        try:
            frame: Optional[FrameType] = sys._getframe(2)
        except ValueError:  # the thread begins with this call
            frame = None
        try:
            if is_ours(frame):
                return None
            name = type_name(cls)
            return self._sites.find(frame, name) or self._sites.add(frame, name, self._attributes(cls, name))
        except Exception:  # names and classes are the program's, and may raise anything
            process_state.fault(f"finding the caller of {self._sites.name}")
            return self._sites.others

    def at_depth(self, site: CallSite, depth: int) -> CallSite:
        """The variant of `site` for roots with `depth` levels of other roots inside them."""
        attributes = {**site.attributes, semconv.COPY_DEPTH: depth}
        return self._sites.at(site.target, (site.attributes.get(semconv.COPY_ROOT_TYPE), depth), attributes)

    def _attributes(self, cls: type, name: str) -> Mapping[str, Any]:
        attributes = {semconv.COPY_ROOT_TYPE: name}
        if self._method:
            attributes[semconv.COPY_THROUGH] = self._through(cls)
        return attributes

    def _through(self, cls: type) -> str:
        """How the copying function copies an instance of `cls`; it looks in this order."""
        if cls in self._dispatch or issubclass(cls, type):
            return "builtin"
        if any(self._method in vars(base) for base in cls.__mro__):
            return self._method
        return "copyreg" if cls in copyreg.dispatch_table else "__reduce_ex__"
