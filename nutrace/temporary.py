"""A temporary directory, with an error that a user can act on."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Iterator

from nutrace.errors import OutputError


@contextlib.contextmanager
def temporary_directory(prefix: str) -> Iterator[Path]:
    """A directory whose name begins with `prefix`; it is deleted at the end of the block.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=prefix)
    except OSError as error:
        raise OutputError(f"cannot make a temporary directory: {error.strerror}; set TMPDIR") from error
    with folder as name:
        yield Path(name)
