"""Match the rows of a profile with the functions of a trace.

A row and a function match if name, line and module are the same. Of the path only the module's part
counts (``package/module.py``), as the profile may come from another machine. If the lines differ, a name
that both sides have only once in the module matches as well. A profile without folders (``strip_dirs``)
matches by file name, line and name.
"""

from __future__ import annotations

from typing import Collection, Dict, List, Sequence, Tuple

from nutrace.analysis.profile_file import Counted
from nutrace.analysis.traced_functions import Traced

Matches = Dict[int, Tuple[Traced, bool]]


def match(profile: Sequence[Counted], functions: Sequence[Traced], copying: Collection[str]) -> Matches:
    """The functions by the row's number in the profile, each with whether the line is the same.

    Parameters
    ----------
    profile, functions:
        Rows and functions.
    copying:
        Paths of the standard library's copy.py.
    """
    by_name: Dict[str, List[int]] = {}
    for number, row in enumerate(profile):
        by_name.setdefault(row.name, []).append(number)
    exact: Matches = {}
    moved: Dict[int, List[Traced]] = {}
    for traced in functions:
        numbers = by_name.get(traced.name, [])
        if not traced.line:
            rows = [n for n in numbers if profile[n].file == traced.file or profile[n].file in copying]
            if rows:  # usually one; of several copy.py, take the one that was called most
                exact[max(rows, key=lambda n: profile[n].count)] = (traced, True)
            continue
        module, is_module = _module_path(traced)
        rows = [n for n in numbers if _ends_with(profile[n].file, module)]
        same = [n for n in rows if profile[n].line == traced.line]
        if same:
            exact[same[0]] = (traced, True)
        elif len(rows) == 1 and is_module and len(_parts(profile[rows[0]].file)) > 1:
            moved.setdefault(rows[0], []).append(traced)
    for number, claims in moved.items():
        if len(claims) == 1 and number not in exact:
            exact[number] = (claims[0], False)
    return exact


def _module_path(traced: Traced) -> Tuple[List[str], bool]:
    """The parts of the path that name the module, and whether the function's module has that name."""
    parts = _parts(traced.file)
    dotted = [*parts[:-1], parts[-1][:-3] if parts[-1].endswith(".py") else parts[-1]]
    if dotted[-1] == "__init__":
        dotted.pop()
    for begin in range(len(dotted)):
        if traced.function.startswith(".".join(dotted[begin:]) + "."):
            return parts[begin:], True
    return parts[-1:], False  # __main__


def _parts(path: str) -> List[str]:
    return path.replace("\\", "/").split("/")


def _ends_with(path: str, module: List[str]) -> bool:
    parts = _parts(path)
    return parts[-len(module) :] == module or (len(parts) == 1 and parts == module[-1:])
