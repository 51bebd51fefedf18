"""How wide text will be in a picture, and names shortened to the room that they have.

The widths are those of Helvetica, which Arial and Liberation Sans share.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Dict, List, Sequence, Tuple

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
BOLD = 1.1
#: A shortened name shows at least so many characters, or nothing.
_FEWEST = 5
_TRAILING = re.compile(r"[\s._]+\Z")
_CUT_WORD = re.compile(r"\A[^\s._]{0,3}[\s._]+(?=.{4})")


def width_of(text: str, size: float) -> float:
    """The width of `text` in a font of `size`, in the unit of `size`."""
    return sum(map(_width, text)) * size / 1000


def _width(character: str) -> int:
    width = _WIDTH_OF.get(character)
    if width is not None:
        return width
    if unicodedata.combining(character):
        return 0
    return _FULL if unicodedata.east_asian_width(character) in "WF" else _OTHER


def fitted(
    name: str, component: str, details: Sequence[str], room: float, size: float, gap: float
) -> Tuple[str, str]:
    """What a bar says in `room`, in the unit of `size`: its name, and one of the `details` if there is room.

    As in the interactive page, the name leaves out the component, which the bar's colour says, if the rest
    says enough (``scenario.get_time_point``) or if there is no room. Then goes what else stands before a dot,
    and then the middle.

    Parameters
    ----------
    details:
        What may stand behind the name, the longest first.
    gap:
        The room between the two.
    """
    names = _names(name, component)
    for shown in names:
        left = room - width_of(shown, size) - gap
        detail = next((each for each in details if width_of(each, size) <= left), "")
        if detail:
            return shown, detail
    last = names[-1]
    while last.partition(".")[0].isidentifier() and last.partition(".")[2]:
        names.append(last := last.partition(".")[2])
    fitting = (shown for shown in names if width_of(shown, size) <= room)
    return next(fitting, "") or cut(last, room, size), ""


def _names(name: str, component: str) -> List[str]:
    """What a bar may be called, the longest first."""
    rest = name[len(component) + 1 :] if name.startswith(f"{component}.") else ""
    if not rest:
        return [name]
    return [rest] if "_" in rest or "." in rest else [name, rest]


def cut(text: str, room: float, size: float) -> str:
    """`text` without as much of its middle as does not fit; "" if hardly anything would be left.

    Names that begin alike differ at their ends, and the other way round.
    """
    if width_of(text, size) <= room:
        return text
    left = room * 1000 / size - _WIDTH_OF["…"]
    head, tail = 0, len(text)
    while head < tail:
        # The longer part is the beginning, if both cannot have the same.
        front = head <= len(text) - tail
        left -= _width(text[head] if front else text[tail - 1])
        if left < 0:
            break
        head, tail = (head + 1, tail) if front else (head, tail - 1)
    # "execute…rows" and not "execute_…ny_rows": the end of a cut word says little.
    begin, end = _TRAILING.sub("", text[:head]), _CUT_WORD.sub("", text[tail:])
    return f"{begin}…{end}" if len(begin) + len(end) >= _FEWEST else ""
