"""Run a devkit script under cProfile and count the calls of ``copy.deepcopy``.

``devkit_copies.py OUT SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` and writes JSON to OUT:
``primitive``, the number of calls that were not made by another call of it, ``all``, the number of all calls,
and ``callers``, by ``file:function`` the number of calls that each function made.
"""

from __future__ import annotations

import copy
import cProfile
import json
import runpy
import sys
from types import CodeType
from typing import Any, Dict

CALLED: CodeType = copy.deepcopy.__code__  # nutrace's, in a traced process
ORIGINAL: CodeType = getattr(copy.deepcopy, "__wrapped__", copy.deepcopy).__code__


def counted(profile: cProfile.Profile) -> Dict[str, Any]:
    """What cProfile counted for the standard library's own ``copy.deepcopy``."""
    entries = profile.getstats()
    (entry,) = (entry for entry in entries if entry.code is ORIGINAL)
    callers: Dict[str, int] = {}
    for caller in entries:
        for called in caller.calls or ():
            if called.code is CALLED and not isinstance(caller.code, str):
                where = f"{caller.code.co_filename}:{caller.code.co_name}"
                callers[where] = callers.get(where, 0) + called.callcount
    return {
        "primitive": entry.callcount - entry.reccallcount,
        "all": entry.callcount,
        "callers": callers,
    }


if __name__ == "__main__":
    out = sys.argv[1]
    del sys.argv[:2]
    profile = cProfile.Profile()
    try:
        profile.enable()
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        profile.disable()
        with open(out, "w", encoding="utf-8") as file:
            json.dump(counted(profile), file)
