"""The phases of reading a run, by their names."""

from __future__ import annotations

from typing import Final

READING: Final = "reading"
TREE: Final = "building the tree"
CORRECTING: Final = "correcting times"
