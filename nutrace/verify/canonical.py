"""Values as JSON that is equal if, and only if, they are: down to the last attribute, floats bit for bit.

==================  ======================================================================
value               written as
==================  ======================================================================
None, bool, int     themselves
str                 ``"s..."``
float               ``"f..."`` and ``float.hex``; every NaN is ``"fnan"``
numpy scalar        ``"n<dtype> ..."``
bytes, complex      ``"b..."`` in hexadecimal, ``"z..."``
member of an enum   ``"eKind.NAME"``
geometry            ``"g..."``, its well-known binary in hexadecimal
function, class     ``"q..."``, by name; likewise what :data:`~nutrace.verify.kinds.BY_NAME` holds
object              ``{"": class, attribute: value, ...}``, attributes sorted
array               ``{"": "ndarray", "dtype": ..., "shape": [...], "values": [...]}``
list, tuple, ...    ``[kind, value, ...]``; sets sorted
dict                ``["dict", [key, value], ...]`` in its order
==================  ======================================================================
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Callable, List, Tuple

from nutrace.verify.kinds import HANDLERS, handler_of

_MOST = 5_000_000  # values of one part of one step: beyond that it is something else than a result


class TooLargeError(Exception):
    """A value has more parts than any result of a simulation."""


class Canonical:
    """Writes values, and counts what is in them.

    Parameters
    ----------
    folder:
        Where the run's own outputs go: in texts it is ``{output}``, as it differs from run to run.
    """

    def __init__(self, folder: str = "") -> None:
        self.values = 0  # leaves: numbers, texts, names
        self.opaque: Counter[str] = Counter()  # by type: what shows nothing to compare
        self._folder = folder
        self._above: List[int] = []
        self._most = _MOST

    def text(self, value: Any) -> Tuple[str, int]:
        """`value` as one line of JSON, and how many values are in it.

        Raises
        ------
        TooLargeError
            If it has no end, as far as anybody would care to see.
        """
        before = self.values
        self._most = before + _MOST
        self._above.clear()
        text = json.dumps(self.plain(value), separators=(",", ":"))
        return text, self.values - before

    def plain(self, value: Any) -> Any:
        """`value` as what JSON knows."""
        kind = type(value)
        handler = HANDLERS.get(kind)
        if handler is None:
            handler = HANDLERS[kind] = handler_of(kind)
        return handler(self, value)

    def leaf(self, written: Any) -> Any:
        """Count a value that has no parts."""
        self.values += 1
        if self.values > self._most:
            raise TooLargeError(f"more than {_MOST:,} values")
        return written

    def inside(self, value: Any, write: Callable[[], Any]) -> Any:
        """Write what `value` holds, unless it is inside itself."""
        if id(value) in self._above:
            return self.leaf("c")
        self._above.append(id(value))
        try:
            return write()
        finally:
            self._above.pop()

    def string(self, text: str) -> str:
        """A text, whichever run it comes from."""
        if self._folder and self._folder in text:
            text = text.replace(self._folder, "{output}")
        return f"s{text}"
