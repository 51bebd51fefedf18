"""How to call nutrace from the shell of whoever runs this process."""

from __future__ import annotations

import os
import shlex
import sys

_NAME = "nutrace"


def program() -> str:
    """``nutrace`` if the shell finds that, otherwise the path of it, as one would type it in this folder.

    It is the program that was called; in other processes, the one beside their interpreter.
    """
    called = sys.argv[0] if sys.argv else ""
    if os.path.basename(called) != _NAME:
        called = os.path.join(os.path.dirname(sys.executable or ""), _NAME)
    if not os.path.isfile(called) or _found(called):
        return _NAME
    return shlex.quote(_in_this_folder(called))


def _found(called: str) -> bool:
    """Whether the first ``nutrace`` on the PATH is the file that was called."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, _NAME)
        if folder and os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.samefile(path, called)
    return False


def _in_this_folder(path: str) -> str:
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # the folder was deleted
        return path
    return path[len(here) :] if path.startswith(here) and len(path) > len(here) else path
