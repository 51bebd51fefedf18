"""Whose code a file is."""

from __future__ import annotations

import re
import sysconfig
from enum import IntEnum


class Origin(IntEnum):
    """Whose code it is, in the order in which its functions are suggested."""

    OWN = 0
    DEVKIT = 1
    PACKAGE = 2
    #: From here on nothing is suggested: nutrace itself calls the standard library.
    STANDARD = 3
    #: nutrace itself, and what is no file of Python source.
    NOBODY = 4


_INSTALLED = re.compile(r"/(site|dist)-packages/")
_STANDARD = re.compile(r"/(lib(32|64)?/(python|pypy)[\d.]*t?|python[\d.]*/lib)/", re.IGNORECASE)
_DEVKIT = re.compile(r"/nuplan/(cli|common|database|planning|submission)/")
_OURS = ("nutrace", "nutrace_exporters")
_STANDARD_HERE = sysconfig.get_path("stdlib").replace("\\", "/") + "/"


def origin(file: str, module: str = "") -> Origin:
    """Whose code `file` is, the source of `module` if that is known.

    A checkout that is installed with ``pip install -e`` lies outside of site-packages: it is the user's own.
    """
    path = file.replace("\\", "/")
    top = module.partition(".")[0]
    if top in _OURS or not path.endswith(".py") or path.startswith("<"):
        return Origin.NOBODY
    if top == "nuplan" or (not module and _DEVKIT.search(path)):
        return Origin.DEVKIT
    if _INSTALLED.search(path):
        return Origin.PACKAGE
    if _STANDARD.search(path) or path.startswith(_STANDARD_HERE):
        return Origin.STANDARD
    return Origin.OWN
