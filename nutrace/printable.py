"""Text that a terminal shows as it is, whatever it came from."""

from __future__ import annotations

#: Characters of a message, a path or a statement that has a line of its own.
LINE = 400
_LONGEST = 60


def printable(text: str, longest: int = _LONGEST) -> str:
    """Text for one line of a terminal: control characters escaped, long text shortened in the middle."""
    if len(text) > longest:
        half = (longest - 3) // 2
        text = f"{text[: longest - 3 - half]}...{text[-half:]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
