"""A statement in a few words."""

from __future__ import annotations

from nutrace.printable import printable

_VERBS = ("FROM", "JOIN", "INTO", "UPDATE", "TABLE")


def summary(text: str, length: int) -> str:
    """How a statement begins, and which tables it names, in at most `length` characters."""
    words = text.split()
    tables = [
        word.strip("(),;")
        for before, word in zip(words, words[1:])
        if before.upper() in _VERBS and word != "("
    ]
    if not tables or len(text) <= length:
        return printable(text, length)
    named = ", ".join(dict.fromkeys(tables))
    first = text[: length - 4 - min(len(named), 30)].rstrip()
    return printable(f"{first}… {named}", length)
