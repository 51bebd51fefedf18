"""Where exactly figures change: scatter moves a change by a few runs, but code changes between revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import pvariance
from typing import List, Mapping, Sequence

from nutrace.comparison.divisions import LEAST_RUNS

#: How many runs a change may be moved.
_FARTHEST = 5
#: A place fits as well as another if the scatter around it is larger by less than that many variances:
#: the interval of 98 % of a normal distribution.
_AS_GOOD = 6.0


@dataclass(frozen=True)
class Edge:
    """A change of one figure: ``at`` is the first run after it, the parts beside it go from begin to end."""

    figure: str
    begin: int
    at: int
    end: int


def placed(edges: Sequence[Edge], values: Mapping[str, Sequence[float]], starts: Sequence[int]) -> List[Edge]:
    """Put changes between revisions, and those of several figures at one place, where that fits as well.

    Parameters
    ----------
    edges:
        The changes as they were found.
    values:
        The series of each figure.
    starts:
        The first run of each revision.
    """
    snapped = [_at_a_revision(edge, values[edge.figure], starts) for edge in edges]
    clearest_first = sorted(snapped, key=lambda edge: -_clearness(edge, values[edge.figure]))
    done: List[Edge] = []
    for edge in clearest_first:
        for leader in done:
            if leader.figure != edge.figure and _fits(edge, leader.at, values[edge.figure]):
                edge = replace(edge, at=leader.at)
                break
        done.append(edge)
    return done


def _at_a_revision(edge: Edge, values: Sequence[float], starts: Sequence[int]) -> Edge:
    near = [(_scatter(edge, start, values), start) for start in starts if _fits(edge, start, values)]
    return replace(edge, at=min(near)[1]) if near else edge


def _fits(edge: Edge, place: int, values: Sequence[float]) -> bool:
    """Whether a change can as well be at `place`."""
    if abs(place - edge.at) > _FARTHEST or place - edge.begin < LEAST_RUNS or edge.end - place < LEAST_RUNS:
        return False
    scatter = _scatter(edge, edge.at, values)
    return _scatter(edge, place, values) - scatter <= _AS_GOOD * scatter / (edge.end - edge.begin - 2)


def _clearness(edge: Edge, values: Sequence[float]) -> float:
    """The scatter that a change takes away, in variances of what remains."""
    scatter = _scatter(edge, edge.at, values)
    whole = pvariance(values[edge.begin : edge.end]) * (edge.end - edge.begin)
    return (whole - scatter) / scatter if scatter else float("inf")


def _scatter(edge: Edge, place: int, values: Sequence[float]) -> float:
    parts = values[edge.begin : place], values[place : edge.end]
    return sum(pvariance(part) * len(part) for part in parts)
