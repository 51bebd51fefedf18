"""How wide text will be in a picture, and names shortened to the room that they have.

The widths are those of Helvetica, which Arial and Liberation Sans share.
"""

from __future__ import annotations

import unicodedata
from typing import Dict

#: The families with these widths, the one first that most computers have, and what to take otherwise.
FAMILIES = "Arial,Helvetica,'Liberation Sans',sans-serif"

#: Thousandths of the font's size.
_WIDTHS = {
    191: "'",
    222: "ijl‘’",
    260: "|",
    278: " !,./:;I[\\]ft·\xa0",
    333: "()-`r“”",
    334: "{}",
    355: '"',
    389: "*",
    400: "°",
    469: "^",
    500: "Jckszvxy",
    549: "≈",
    556: "#$0123456789?L_abdeghnopqu–",
    576: "µ",
    584: "+<=>~×±",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…—",
    1015: "@",
}
_WIDTH_OF: Dict[str, int] = {character: width for width, group in _WIDTHS.items() for character in group}
_OTHER, _FULL = 720, 1000
#: How much wider bold text is, at most.
_BOLD = 1.1
#: A shortened name shows at least so many characters, or nothing.
_FEWEST = 6


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """The width of `text` in a font of `size`, in the unit of `size`."""
    return sum(map(_width, text)) * size / 1000 * (_BOLD if bold else 1)


def _width(character: str) -> int:
    width = _WIDTH_OF.get(character)
    if width is not None:
        return width
    if unicodedata.combining(character):
        return 0
    return _FULL if unicodedata.east_asian_width(character) in "WF" else _OTHER


def fitted(name: str, component: str, room: float, size: float) -> str:
    """The name of a bar, shortened to `room`, in the unit of `size`; "" if hardly anything would be left.

    First goes the component, which the bar's colour says (``planner.`` of ``planner.compute``), and what else
    stands before a dot; then the middle: names that begin alike differ at their ends, and vice versa.
    """
    if width_of(name, size) <= room:
        return name
    own = (name[len(component) + 1 :] if name.startswith(f"{component}.") else "") or name
    while width_of(own, size) > room:
        before, _, after = own.partition(".")
        if not after or not before.isidentifier():
            return cut(own, room, size)
        own = after
    return own


def cut(text: str, room: float, size: float) -> str:
    """`text` without as much of its middle as does not fit; "" if hardly anything would be left."""
    left = room * 1000 / size - _WIDTH_OF["…"]
    head, tail = 0, len(text)
    while head < tail:
        # The longer part is the beginning, if both cannot have the same.
        front = head <= len(text) - tail
        left -= _width(text[head] if front else text[tail - 1])
        if left < 0:
            break
        head, tail = (head + 1, tail) if front else (head, tail - 1)
    if head + len(text) - tail < _FEWEST:
        return ""
    return f"{text[:head].rstrip()}…{text[tail:].lstrip()}"
