"""Read a text file that a user or a folder names."""

from __future__ import annotations

import errno
import os
import stat
from typing import Union


def read_text(path: Union[str, os.PathLike[str]]) -> str:
    """The text of a file in UTF-8.

    Raises
    ------
    OSError
        If it cannot be read, or is no plain file: opening a pipe would keep the program from starting.
    ValueError
        If it is not UTF-8.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is a folder, a pipe or a device")
    with open(path, encoding="utf-8") as file:
        return file.read()
