"""Which functions on a stack are those of spans."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.sampling.chains import Chains, Site
from nutrace.sampling.own_frames import OwnFrame, own_frame, plain
from nutrace.sampling.stacks import Function, Stacks

_SEPARATOR = re.compile(r"[/\\]")


class Known:
    """The functions that have spans in one tree of groups, by their names."""

    def __init__(self, tree: Chains) -> None:
        self._groups: Dict[Site, List[int]] = {}
        self._named: Dict[str, List[Site]] = {}
        for group, site in enumerate(tree.site):
            if site is not None and not site.own:
                if site not in self._groups:
                    self._named.setdefault(last_part(site.name), []).append(site)
                self._groups.setdefault(site, []).append(group)
        self._found: Dict[Function, Tuple[Site, ...]] = {}

    def sites(self, function: Function) -> Tuple[Site, ...]:
        """Those that `function` may be; of a function with file and line only that one."""
        found = self._found.get(function)
        if found is None:
            found = self._found[function] = tuple(
                site for site in self._named.get(last_part(function[0]), ()) if _may_be(function, site)
            )
        return found

    def groups(self, function: Function) -> List[int]:
        """All groups of the spans of the functions that it may be."""
        return [group for site in self.sites(function) for group in self._groups[site]]

    def is_exact(self, function: Function) -> Optional[bool]:
        """Whether the line is that of a function's beginning; None if no function with a span is like it."""
        alike = self.sites((function[0], function[1], 0))
        return any(site.line == function[2] for site in alike) if alike else None


def same_functions(stacks: Stacks, known: Known) -> Tuple[List[Function], List[Optional[OwnFrame]]]:
    """The functions of stacks as they can be compared with spans; and which are nutrace's own.

    If the lines are not those where functions begin, they are left out.
    """
    own = [own_frame(file) for _, file, _ in stacks.functions]
    functions = [(name, plain(file), line) for name, file, line in stacks.functions]
    exact = [known.is_exact(function) for function in functions]
    if exact.count(False) > exact.count(True):
        functions = [(name, file, 0) for name, file, _ in functions]
    return functions, own


def last_part(name: str) -> str:
    """A function's own name: "compute" of "planner.Planner.compute"."""
    return name.rpartition(".")[2]


def _may_be(function: Function, site: Site) -> bool:
    name, file, line = function
    if line and site.line and line != site.line:
        return False
    return _ends_alike(name.split("."), site.name.split(".")) and (
        not file or _ends_alike(_SEPARATOR.split(file), _SEPARATOR.split(site.file))
    )


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    shared = min(len(one), len(other))
    return one[-shared:] == other[-shared:]
