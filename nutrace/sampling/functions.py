"""Which functions on a stack are those of spans."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.sampling.chains import Chains, Site
from nutrace.sampling.own_frames import OwnFrame, own_frame, plain
from nutrace.sampling.stacks import Function, Stacks

_SEPARATOR = re.compile(r"[/\\]")


#: Files of native code; py-spy writes "?" if it knows none.
_NATIVE = re.compile(
    r"\.(?:so[.\d]*|dylib|dll|exe|pyd|c|cc|cpp|cxx|h|hh|hpp|inc|rs|go|f|f90|s|asm)\Z|^\?\Z", re.IGNORECASE
)
_PYTHON = re.compile(r"\.py\w?\Z|^<")
_THREADING = re.compile(r"(?:^|[/\\])threading\.pyc?\Z")


class Known:
    """The functions that have spans in one tree of groups, by their names."""

    def __init__(self, tree: Chains) -> None:
        self._groups: Dict[Site, List[int]] = {}
        for group, site in enumerate(tree.site):
            if site is not None and not site.own:
                self._groups.setdefault(site, []).append(group)
        # By their own names, and by places: functions, and the sites whose spans they are on the stack.
        self._named: Dict[str, List[Tuple[Function, Site]]] = {}
        self._placed: Dict[Tuple[str, int], List[Site]] = {}
        self._decorators: Dict[str, List[Tuple[Function, Site]]] = {}
        for site in self._groups:
            for function in [(site.name, site.file, site.line), *tree.given.get(site, ())]:
                self._named.setdefault(last_part(function[0]), []).append((function, site))
                self._placed.setdefault(function[1:], []).append(site)
            if site.decorator is not None:
                self._decorators.setdefault(last_part(site.decorator[0]), []).append((site.decorator, site))
        self._found: Dict[Function, Tuple[Site, ...]] = {}

    def sites(self, function: Function) -> Tuple[Site, ...]:
        """Those that `function` may be of; with file and line only those of this very function."""
        found = self._found.get(function)
        if found is None:
            known = self._named.get(last_part(function[0]), ())
            found = tuple(dict.fromkeys(site for other, site in known if _alike(function, other)))
            if not found and function[2]:  # the program may have renamed it
                placed = self._placed.get(function[1:], ())
                found = tuple(placed) if len(placed) == 1 else ()
            self._found[function] = found
        return found

    def is_of(self, site: Optional[Site], function: Function) -> bool:
        """Whether `function` may be the site's."""
        return site in self.sites(function)

    def decorated_by(self, function: Function) -> List[Site]:
        """The functions that have `function` as the outermost decorator around them."""
        known = self._decorators.get(last_part(function[0]), ())
        return [site for decorator, site in known if _alike(function, decorator)]

    def groups(self, function: Function) -> List[int]:
        """All groups of the spans of the functions that it may be."""
        return [group for site in self.sites(function) for group in self._groups[site]]

    def is_exact(self, function: Function) -> Optional[bool]:
        """Whether its line is where a function with spans begins; None if there is no such function."""
        alike = self.sites((function[0], function[1], 0))
        return bool(self.sites(function)) if alike else None


def same_functions(stacks: Stacks, known: Known) -> Tuple[List[Function], List[Optional[OwnFrame]]]:
    """The functions of stacks as they can be compared with spans; and which are nutrace's own.

    If the lines of a text file seem not to be those where functions begin, they are left out.
    """
    own = [own_frame(file) for _, file, _ in stacks.functions]
    functions = [(name, plain(file), line) for name, file, line in stacks.functions]
    if stacks.begin_lines:
        return functions, own
    begin: Dict[Tuple[str, str], bool] = {}
    for function in functions:
        exact = known.is_exact(function)
        if exact is not None:
            begin[function[:2]] = begin.get(function[:2], False) or exact
    if 2 * sum(begin.values()) < len(begin):
        functions = [(name, file, 0) for name, file, _ in functions]
    return functions, own


def last_part(name: str) -> str:
    """A function's own name: "compute" of "planner.Planner.compute"."""
    return name.rpartition(".")[2]


def native_functions(stacks: Stacks) -> List[bool]:
    """Which functions are not Python's: those of C, and those of which only an address is known."""
    with_files = any(file for _, file, _ in stacks.functions)
    return [_is_native(file, line) if file else with_files for _, file, line in stacks.functions]


def _is_native(file: str, line: int) -> bool:
    # Scripts of Python's may have any name, but their functions have lines. A library's have none.
    return bool(_NATIVE.search(file)) or not (line or _PYTHON.search(plain(file)))


def is_threading(function: Function) -> bool:
    """Whether it is of the module that starts threads."""
    return bool(_THREADING.search(function[1]))


def _alike(function: Function, other: Function) -> bool:
    """Whether one may be the other, as far as both say."""
    if function[2] and other[2] and function[2] != other[2]:
        return False
    return _ends_alike(function[0].split("."), other[0].split(".")) and (
        not function[1] or _ends_alike(_SEPARATOR.split(function[1]), _SEPARATOR.split(other[1]))
    )


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    shared = min(len(one), len(other))
    return one[-shared:] == other[-shared:]
