"""The rule by which functions are chosen."""

from __future__ import annotations

from typing import AbstractSet, Dict, List, Sequence, Tuple

from nutrace.suggestions.candidates import Candidate
from nutrace.suggestions.forest import Forest
from nutrace.suggestions.origin import Origin

#: A function is like the one around it if this much of the time of both is the same.
ALIKE = 0.9


def choose(forest: Forest, candidates: Sequence[Candidate], limit: int, min_share: float) -> List[Candidate]:
    """Choose at most `limit` functions that are worth a span of their own; 0 is no limit.

    The user's functions come first, and of them those with the most time, from the phases of a span down to
    the leaves. A function that shares at least 90 % of its time with the span or the chosen function around
    it, as in a chain of functions that only call the next one, says nothing new, so only the outermost of a
    chain is chosen, and none that is the whole span. Of other code, a function is chosen for at least
    `min_share` of a span that lies in no chosen function yet.
    """
    chosen: Dict[int, Candidate] = {}
    own = [candidate for candidate in candidates if candidate.origin is Origin.OWN]
    others = sorted(
        (candidate for candidate in candidates if candidate.origin is not Origin.OWN),
        key=lambda candidate: -candidate.seen.total_ns,
    )
    around = _around(forest, chosen.keys())
    for candidate in (*own, *others):
        if limit and len(chosen) == limit:
            break
        number = candidate.seen.number
        if candidate.origin is not Origin.OWN:
            alone = sum(forest.total_ns[node] for node in forest.outermost[number] if around[node] < 0)
            if alone < min_share * candidate.seen.span.self_ns:
                continue
        if not _is_alike(forest, number, around) and not _holds_alike(forest, number, chosen.keys()):
            chosen[number] = candidate
            around = _around(forest, chosen.keys())
    return sorted(chosen.values(), key=lambda each: (each.origin is not Origin.OWN, -each.seen.total_ns))


def covered_ns(forest: Forest, chosen: Sequence[Candidate]) -> List[float]:
    """For each span of the forest the part of its self time, in ns, that lies in the chosen functions."""
    numbers = {candidate.seen.number for candidate in chosen}
    around = _around(forest, numbers)
    covered = [0.0] * len(forest.spans)
    for node in forest.nodes():
        if around[node] < 0 and forest.function[node] in numbers:
            covered[forest.span[node]] += forest.total_ns[node]
    return covered


def _around(forest: Forest, chosen: AbstractSet[int]) -> List[int]:
    """For each node the nearest chosen function around it; a negative number for the span itself."""
    around = [~root for root in range(len(forest.spans))]
    for node in forest.nodes():
        above = forest.parent[node]
        function = forest.function[above]
        around.append(function if function in chosen else around[above])
    return around


def _total(forest: Forest, function: int) -> float:
    """The time of a function, or of a span (a negative number, as in `_around`)."""
    if function < 0:
        return forest.total_ns[~function]
    return sum(forest.total_ns[node] for node in forest.outermost[function])


def _is_alike(forest: Forest, function: int, around: Sequence[int]) -> bool:
    """Whether nearly all of the function lies in spans and chosen functions that it nearly fills."""
    inside: Dict[int, float] = {}
    for node in forest.outermost[function]:
        inside[around[node]] = inside.get(around[node], 0.0) + forest.total_ns[node]
    filled = sum(time for holder, time in inside.items() if time >= ALIKE * _total(forest, holder))
    return filled >= ALIKE * _total(forest, function)


def _holds_alike(forest: Forest, function: int, chosen: AbstractSet[int]) -> bool:
    """Whether a chosen function is nearly all of this one, and lies nearly always in it."""
    if not chosen:
        return False
    inside: Dict[int, float] = {}
    below: List[Tuple[bool, frozenset[int]]] = [(False, frozenset())] * len(forest.spans)
    for node in forest.nodes():
        held, seen = below[forest.parent[node]]
        here = forest.function[node]
        if held and here in chosen and here not in seen:
            inside[here] = inside.get(here, 0.0) + forest.total_ns[node]
            seen |= {here}
        below.append((held or here == function, seen))
    whole = ALIKE * _total(forest, function)
    return any(time >= max(whole, ALIKE * _total(forest, held)) for held, time in inside.items())
