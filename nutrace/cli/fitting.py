"""Text that fits into a width: sentences wrapped at words, names shortened in the middle."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import List, Sequence

#: Where a line may be broken: at spaces, but not between a number and its unit, or a limit and its number.
_SPACE = re.compile(r"(?<!--limit)(?:(?<!\d) | (?!(?:ns|us|ms|s|min|h|kB|MB|GB|Hz|%|x)(?!\w)))")


def columns_of(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(text: str, width: int, hanging: int = 0) -> List[str]:
    """Lines of at most `width` columns; those after the first are indented by `hanging`.

    Words that are longer than a line are broken. Blanks at the beginning of the text stay.
    """
    hanging = min(hanging, width // 2)
    indent = text[: len(text) - len(text.lstrip(" "))][: width // 2]
    lines: List[str] = []
    line, empty = indent, True
    for word in _SPACE.split(text.strip(" ")):
        left, size = width - columns_of(line) - 1, columns_of(word)
        # A word that is longer than any line begins in this one if most of it is free.
        if not empty and size > left and (size <= width - hanging or left < width // 2):
            lines.append(line)
            line, empty = " " * hanging, True
        line = f"{line}{word}" if empty else f"{line} {word}"
        empty = False
        while columns_of(line) > width:
            part = _breakable(beginning(line, width), (width + hanging) // 2) or line[:1]
            lines.append(part)
            line = " " * hanging + line[len(part) :]
    return [*lines, line]


def _breakable(part: str, least: int) -> str:
    """The part up to its last joint, if it is not too short then."""
    joint = max(part.rfind(mark) + 1 for mark in "/._,;=>)")
    return part[:joint] if joint > least else part


def beginning(text: str, width: int) -> str:
    """As much of the text as has space."""
    if text.isascii():
        return text[:width]
    for place, char in enumerate(text):
        width -= _columns(char)
        if width < 0:
            return text[:place]
    return text


def _ending(text: str, width: int) -> str:
    return beginning(text[::-1], width)[::-1]


def shortened(text: str, width: int, ellipsis: str) -> str:
    """The text, without its middle if it is longer than `width` columns."""
    if columns_of(text) <= width:
        return text
    left = width - len(ellipsis)
    if left < 2:
        return beginning(text, width)
    return f"{beginning(text, left - left // 2)}{ellipsis}{_ending(text, left // 2)}"


def shortened_apart(names: Sequence[str], width: int, ellipsis: str) -> List[str]:
    """The names as :func:`shortened` has them; those that would look alike are cut where they differ."""
    plain = [shortened(name, width, ellipsis) for name in names]
    cut = list(plain)
    for at, name in enumerate(names):
        alike = [other for other, short in zip(names, plain) if short == plain[at] and other != name]
        if alike:
            cut[at] = _from_difference(name, alike, width, ellipsis)
    seen: Counter[str] = Counter()
    for at, short in enumerate(cut):
        seen[short] += 1
        if seen[short] > 1 and short != names[at]:  # nothing but a number is left to tell them apart
            mark = f"{ellipsis}{seen[short]}"
            cut[at] = beginning(short, width - columns_of(mark)) + mark
    return cut


def _beginning_alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other))
    return next((at for at, (mine, its) in pairs if mine != its), min(len(one), len(other)))


def _from_difference(name: str, others: Sequence[str], width: int, ellipsis: str) -> str:
    """The name from the word in which it begins to differ from all of the others."""
    same = max(_beginning_alike(name, other) for other in others)
    word = max(name.rfind(mark, 0, same) + 1 for mark in "._ :")
    rest = name[word if same - word < width // 2 else same :]
    room = width - len(ellipsis)
    if columns_of(rest) > room:
        rest = beginning(rest, room - len(ellipsis)) + ellipsis
    return f"{ellipsis}{rest}"
