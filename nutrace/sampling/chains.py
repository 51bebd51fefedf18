"""The groups of a trace's spans: by the functions that stand around them on their thread's stack."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from nutrace import semconv
from nutrace.sampling.own_frames import WRAPPER_OF
from nutrace.sampling.stacks import Function
from nutrace.trace.bounds import text, whole
from nutrace.trace.trace import Trace
from nutrace.trace.values import parse_attributes

ROOT = 0
_MOST_KNOWN = 20_000
_CODE_KEY = b'{"key":"code.'
#: Of these a site is made, too.
_OTHER_KEYS = re.compile(rb'{"key":"nutrace\.(?:block|decorator|generator\.f)')

_CODE = semconv.CODE_FUNCTION, semconv.CODE_FILE, semconv.CODE_LINE
_GIVEN = semconv.GIVEN_FUNCTION, semconv.GIVEN_FILE, semconv.GIVEN_LINE
_DECORATOR = semconv.DECORATOR_FUNCTION, semconv.DECORATOR_FILE, semconv.DECORATOR_LINE


@dataclass(frozen=True, eq=False)  # there is one object for each: hashing its parts would take long
class Site:
    """What is on the stack while a span lasts: a function, or a wrapper of nutrace's own (``own``).

    ``decorator`` is the function that is called in the place of this one, and calls it.
    """

    name: str = ""
    file: str = ""
    line: int = 0
    own: str = ""
    decorator: Optional[Function] = None


@dataclass
class Chains:
    """The groups of some processes' spans, a tree: group 0 is outside of all functions that have spans.

    ``children`` has for each group those below it, by site; ``site`` that of each group. ``given`` are the
    functions whose generators calls of a site's function have returned. ``wrappers`` are the sites of
    nutrace's own, by file.
    """

    wrappers: Dict[str, Site]

    site: List[Optional[Site]] = field(default_factory=lambda: [None])
    children: List[Dict[Site, int]] = field(default_factory=lambda: [{}])
    given: Dict[Site, Set[Function]] = field(default_factory=dict)

    def below(self, group: int, site: Site) -> int:
        """The group of a site's spans below those of `group`."""
        number = self.children[group].get(site)
        if number is None:
            number = self.children[group][site] = len(self.site)
            self.site.append(site)
            self.children.append({})
        return number


def chain_groups(trace: Trace, owners: List[int], count: int) -> Tuple[List[Chains], array[int]]:
    """Group the spans of a trace.

    Parameters
    ----------
    owners:
        For each resource of the trace the number of the tree that its spans belong to.
    count:
        The number of trees.

    Returns
    -------
    The trees, and for each span the number of its group in its tree.
    """
    sites = _Sites()
    trees = [Chains(sites.wrappers) for _ in range(count)]
    tree_of = [trees[owners[key.resource]] for key in trace.threads]
    group_of = array("i", bytes(4 * len(trace)))
    rows = zip(trace.name, trace.raw.attributes, trace.parent, trace.thread)
    threads = trace.thread
    find = sites.of
    for span, (name, raw, above, thread) in enumerate(rows):
        group = group_of[above] if above >= 0 and threads[above] == thread else ROOT
        site, given = find(name, raw)
        if site is not None:
            tree = tree_of[thread]
            group = tree.children[group].get(site) or tree.below(group, site)
            if given is not None:
                tree.given.setdefault(site, set()).add(given)
        group_of[span] = group
    return trees, group_of


#: A span's site, and the function whose generator its call has returned.
_Read = Tuple[Optional[Site], Optional[Function]]


class _Sites:
    """Reads sites off attributes, each different text once."""

    def __init__(self) -> None:
        self._texts: Dict[Tuple[str, bytes], _Read] = {}
        self._parts: Dict[Tuple[str, bytes], _Read] = {}
        self._functions: Dict[Tuple[Function, Optional[Function]], Site] = {}
        self.wrappers: Dict[str, Site] = {}

    def of(self, name: str, raw: bytes) -> _Read:
        """The site of a span."""
        read = self._texts.get((name, raw))
        if read is None:
            if len(self._texts) >= _MOST_KNOWN:
                self._texts.clear()
            read = self._texts[name, raw] = self._of_part(name, raw)
        return read

    def _of_part(self, name: str, raw: bytes) -> _Read:
        # Attributes with numbers of their own (rows, yields) all differ, and those of the code do not.
        begin, last = raw.find(_CODE_KEY), raw.rfind(_CODE_KEY)
        if begin >= 0 and not _OTHER_KEYS.search(raw):
            raw = b"[" + raw[begin : raw.find(b"}}", last) + 2] + b"]"
        read = self._parts.get((name, raw))
        if read is None:
            if len(self._parts) >= _MOST_KNOWN:
                self._parts.clear()
            read = self._parts[name, raw] = self._read(name, raw)
        return read

    def _read(self, name: str, raw: bytes) -> _Read:
        own = WRAPPER_OF.get(name)
        if own is not None:
            return self.wrappers.setdefault(own, Site(own=own)), None
        attributes = parse_attributes(raw)
        function = _function(attributes, _CODE)
        # Files of before there was an attribute that says so have steps as well.
        if function is None or attributes.get(semconv.BLOCK) is True or name == semconv.STEP_SPAN:
            return None, None
        decorator = _function(attributes, _DECORATOR)
        site = self._functions.get((function, decorator))
        if site is None:
            site = self._functions[function, decorator] = Site(*function, decorator=decorator)
        return site, _function(attributes, _GIVEN)


def _function(attributes: Mapping[str, Any], names: Tuple[str, str, str]) -> Optional[Function]:
    function, file, line = names
    path = text(attributes.get(file))
    return (text(attributes.get(function)), path, max(whole(attributes.get(line)), 0)) if path else None
