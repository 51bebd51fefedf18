"""Write values as JSON so that two texts are equal exactly if the values are, floats bit for bit.

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
function, class     ``"q..."``, by name; so are instances of :data:`~nutrace.verify.kinds.BY_NAME`
object              ``{"": class, attribute: value, ...}``, attributes sorted
array               ``{"": "ndarray", "dtype": ..., "shape": [...], "values": [...]}``
list, tuple, ...    ``[kind, value, ...]``; sets sorted
dict                ``["dict", [key, value], ...]`` in its order
cycle               ``"c"`` in place of a value that contains itself
==================  ======================================================================
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Callable, Dict, List, Tuple

from nutrace.verify.kinds import Handler, handler_of

# Values in one part of one step. No result of a simulation is as large, so a larger one is no result: an
# object that leads to the whole program, for example.
_MOST = 5_000_000
_handlers: Dict[type, Handler] = {}


class TooLargeError(Exception):
    """A value has more parts than any result of a simulation has."""


class Canonical:
    """Write values, and count what is in them.

    Parameters
    ----------
    folder:
        The run's own folder. Texts show it as ``{output}``, because it differs from run to run.
    """

    def __init__(self, folder: str = "") -> None:
        self.values = 0  # leaves written so far: numbers, texts, names
        self.opaque: Counter[str] = Counter()  # by type: values that show nothing to compare
        self._folder = folder
        self._above: List[int] = []  # ids of the containers around the current value
        self._most = _MOST

    def text(self, value: Any) -> Tuple[str, int]:
        """Write `value` as one line of JSON; return the line and the number of leaves in it.

        Raises
        ------
        TooLargeError
            If `value` has more than 5,000,000 leaves.
        """
        before = self.values
        self._most = before + _MOST
        self._above.clear()
        text = json.dumps(self.plain(value), separators=(",", ":"))
        return text, self.values - before

    def plain(self, value: Any) -> Any:
        """Return `value` as lists, dictionaries, texts and numbers."""
        kind = type(value)
        handler = _handlers.get(kind)
        if handler is None:
            handler = _handlers[kind] = handler_of(kind)
        return handler(self, value)

    def leaf(self, written: Any) -> Any:
        """Count a leaf, and return it."""
        self.values += 1
        if self.values > self._most:
            raise TooLargeError(f"more than {_MOST:,} values")
        return written

    def inside(self, value: Any, write: Callable[[], Any]) -> Any:
        """Call `write` for the content of `value`, unless `value` is a part of itself."""
        if id(value) in self._above:
            return self.leaf("c")
        self._above.append(id(value))
        try:
            return write()
        finally:
            self._above.pop()

    def string(self, text: str) -> str:
        """Return `text` with the run's own folder replaced."""
        if self._folder and self._folder in text:
            text = text.replace(self._folder, "{output}")
        return f"s{text}"
