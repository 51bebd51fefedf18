"""The groups of a trace's spans: by the functions that stand around them on their thread's stack."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from nutrace import semconv
from nutrace.sampling.own_frames import WRAPPER_OF
from nutrace.trace.bounds import text, whole
from nutrace.trace.trace import Trace
from nutrace.trace.values import parse_attributes

ROOT = 0
_CODE = b'{"key":"code.'
_GIVEN = b'{"key":"nutrace.generator.'


@dataclass(frozen=True)
class Site:
    """What is on the stack while a span lasts: a function, or a wrapper of nutrace's own (``own``)."""

    name: str = ""
    file: str = ""
    line: int = 0
    own: str = ""


@dataclass
class Chains:
    """The groups of some processes' spans, a tree: group 0 is outside of all functions that have spans.

    ``children`` has for each group those below it, by site; ``site`` that of each group.
    """

    parent: List[int] = field(default_factory=lambda: [-1])
    site: List[Optional[Site]] = field(default_factory=lambda: [None])
    children: List[Dict[Site, int]] = field(default_factory=lambda: [{}])

    def below(self, group: int, site: Site) -> int:
        """The group of a site's spans below those of `group`."""
        number = self.children[group].get(site)
        if number is None:
            number = self.children[group][site] = len(self.parent)
            self.parent.append(group)
            self.site.append(site)
            self.children.append({})
        return number


def chain_groups(trace: Trace, owners: List[int]) -> Tuple[List[Chains], array[int]]:
    """Group the spans of a trace.

    Parameters
    ----------
    owners:
        For each resource of the trace the number of the tree that its spans belong to.

    Returns
    -------
    The trees, and for each span the number of its group in its tree.
    """
    trees = [Chains() for _ in range(max(owners, default=0) + 1)]
    tree_of = [trees[owners[key.resource]] for key in trace.threads]
    sites = _Sites()
    group_of = array("i", bytes(4 * len(trace)))
    rows = zip(trace.name, trace.raw.attributes, trace.parent, trace.thread)
    threads = trace.thread
    for span, (name, raw, above, thread) in enumerate(rows):
        group = group_of[above] if above >= 0 and threads[above] == thread else ROOT
        site = sites.of(name, raw)
        group_of[span] = group if site is None else tree_of[thread].below(group, site)
    return trees, group_of


class _Sites:
    """Reads sites off attributes; those of a function's spans are equal bytes, and read once."""

    def __init__(self) -> None:
        self._known: Dict[Tuple[str, bytes], Optional[Site]] = {}

    def of(self, name: str, raw: bytes) -> Optional[Site]:
        begin, last = raw.find(_CODE), raw.rfind(_CODE)
        if begin >= 0 and _GIVEN not in raw:
            raw = b"[" + raw[begin : raw.find(b"}}", last) + 2] + b"]"
        key = name, raw
        try:
            return self._known[key]
        except KeyError:
            site = self._known[key] = _site(name, raw)
            return site


def _site(name: str, raw: bytes) -> Optional[Site]:
    own = WRAPPER_OF.get(name)
    if own is not None:
        return Site(own=own)
    attributes = parse_attributes(raw)
    if attributes.get(semconv.BLOCK) is True:
        return None
    for function, file, line in _NAMES:
        path = text(attributes.get(file))
        if path:
            qualified = text(attributes.get(function))
            return Site(qualified, path, max(whole(attributes.get(line)), 0))
    return None


_NAMES = (
    (semconv.GIVEN_FUNCTION, semconv.GIVEN_FILE, semconv.GIVEN_LINE),
    (semconv.CODE_FUNCTION, semconv.CODE_FILE, semconv.CODE_LINE),
)
