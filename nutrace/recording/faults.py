"""Faults of our own: caught, counted, said once, and no concern of the program."""

from __future__ import annotations

import contextlib
import sys
from typing import List

_MOST_NOTES = 20


class Faults:
    """What went wrong in this process."""

    def __init__(self) -> None:
        self.count = 0
        self.notes: List[str] = []  # each kind once
        self._said: List[str] = []

    def note(self, where: str) -> None:
        """Count the error being handled and say it once; called from an ``except`` block."""
        error = sys.exc_info()[1]
        self.count += 1
        note = f"{where}: {type(error).__name__}: {error}"
        self._once(where, note, f"fault in nutrace (the program goes on): {note}")

    def lose(self, message: str) -> None:
        """Say once why spans are being lost; who loses them counts them."""
        self._once(message, message, f"{message}; spans are being lost, and counted")

    def _once(self, kind: str, note: str, message: str) -> None:
        if kind not in self._said and len(self._said) < _MOST_NOTES:
            self._said.append(kind)
            self.notes.append(note)
            say(message)


def say(message: str) -> None:
    """One line on stderr; a closed or odd stderr is no reason to fail."""
    with contextlib.suppress(Exception):  # law 1: it may be any object of the program's
        sys.stderr.write(f"nutrace: {message}\n")
        sys.stderr.flush()
