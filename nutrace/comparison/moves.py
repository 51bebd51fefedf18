"""Costs that left one span path and came up in another: the same cost, and no change.

A call that moves is counted once less on one path and once more on another. Counts are exact, so moves are
found by them, and not by times, which scatter: the calls per step must be the same in all runs of a side, and
what one path has less the other has more. Such a pair is a move

- if both paths end with the same name: the call comes from another place, or a cache's span is around it;
- if one path is gone, one is new, and all spans above them are the same: the function has another name. Its
  time must be alike, and it must call the same.

What lies below spans that moved moves with them. Spans that are gone, and whose time is in the span around
them now, moved as well (they have no probe any more), and so did those that are new in the other direction.
Whether the moved cost itself became larger or smaller is judged like that of any path, on the sum of both.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import DefaultDict, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from nutrace.comparison.statistics import effect
from nutrace.comparison.times import PathTimes

_Names = Tuple[str, ...]

#: Times that are alike: by their quotient, and for as much more as chance explains.
_ALIKE = math.log(1.5)
_BOUND = math.log(4)
_SURE = 0.999

#: Each path that has less is compared with each that has more.
_MOST = 500


class _Calls(NamedTuple):
    """How a path's calls changed.

    ``more`` is by how many for each step; None if runs of a side differ in them.
    """

    more: Optional[float]
    gone: bool
    new: bool

    @property
    def fewer(self) -> bool:
        """Whether there are less."""
        return self.gone if self.more is None else self.more < 0

    @property
    def increased(self) -> bool:
        """Whether there are more."""
        return self.new if self.more is None else self.more > 0


def find_moves(paths: Mapping[_Names, PathTimes], bases: int) -> Dict[_Names, List[_Names]]:
    """For each path that a cost moved to, the paths that it came from.

    Parameters
    ----------
    paths:
        All paths of both sides by their names; the base's runs come first.
    bases:
        Number of the base's runs.
    """
    calls = {names: _calls(path, bases) for names, path in paths.items()}
    moves = _Moves(paths, calls, bases)
    moves.find_moved()
    moves.find_merged()
    return moves.origins


class _Moves:
    def __init__(self, paths: Mapping[_Names, PathTimes], calls: Mapping[_Names, _Calls], bases: int) -> None:
        self.origins: Dict[_Names, List[_Names]] = {}
        self._targets: Dict[_Names, _Names] = {}
        self._paths = paths
        self._calls = calls
        self._bases = bases
        self._below: DefaultDict[_Names, Set[str]] = defaultdict(set)
        for names in paths:
            self._below[names[:-1]].add(names[-1])

    def find_moved(self) -> None:
        """Find the calls that are on another path, those of outer spans first."""
        costliest = sorted(self._calls, key=lambda names: -self._paths[names].cost)
        rises = [names for names in costliest if self._calls[names].increased][:_MOST]
        falls = [names for names in costliest if self._calls[names].fewer][:_MOST]
        for fall in sorted(falls, key=lambda names: (len(names), names)):
            ranked = [
                (rank, rise)
                for rise in rises
                if rise not in self.origins and (rank := self._rank(fall, rise)) is not None
            ]
            if ranked:
                best = min(ranked)[1]
                self.origins[best] = [fall]
                self._targets[fall] = best

    def _rank(self, fall: _Names, rise: _Names) -> Optional[Tuple[float, ...]]:
        """The lower, the more likely is it that these calls are the same; None if they are others."""
        one, other = self._paths[fall], self._paths[rise]
        less, more = self._calls[fall], self._calls[rise]
        # Nothing is above a root, and so nothing above it has moved.
        followed = len(fall) > 1 and self._targets.get(fall[:-1]) == rise[:-1]
        same_name = fall[-1] == rise[-1] and one.component == other.component
        if followed and same_name and less.gone and more.new:
            return 0.0, 0.0, 0.0
        if less.more is None or more.more is None or not math.isclose(-less.more, more.more, rel_tol=1e-9):
            return None
        off = abs(_off(self._lost(fall), -self._lost(rise)))
        if same_name:
            likely = followed or self._alike(fall, rise, _BOUND)
            return (1.0 if followed else 2.0, -_common(fall, rise), off) if likely else None
        renamed = less.gone and more.new and self._below[fall] == self._below[rise]
        if renamed and (followed or fall[:-1] == rise[:-1]) and self._alike(fall, rise, _ALIKE):
            return 3.0, 0.0, off
        return None

    def _alike(self, fall: _Names, rise: _Names, bound: float) -> bool:
        """Whether the cost that left one path is, up to chance, the one that came up in the other."""
        off = abs(_off(self._lost(fall), -self._lost(rise)))
        if off <= bound or off > _BOUND:
            return off <= bound
        old, new = self._paths[fall].robust[: self._bases], self._paths[rise].robust[self._bases :]
        found = effect(old, new, _SURE)
        return bool(
            found and found.low is not None and found.high is not None and found.low <= 0 <= found.high
        )

    def find_merged(self) -> None:
        """Find the spans whose time is, or was, that of the span around them."""
        around: DefaultDict[Tuple[_Names, bool], List[_Names]] = defaultdict(list)
        for names, change in self._calls.items():
            if (change.gone and names not in self._targets) or (change.new and names not in self.origins):
                above = names[:-1]
                while above and (above not in self._calls or self._calls[above].more != 0):
                    above = above[:-1]
                if above:
                    around[above, change.gone].append(names)
        for (above, are_gone), inner in around.items():
            if (above, not are_gone) in around or above in self.origins:
                continue
            lost = sum(self._lost(names) for names in inner)
            if abs(_off(lost, -self._lost(above))) > _ALIKE or not self._surely_changed(above):
                continue
            if are_gone:
                self.origins[above] = inner
            else:
                costliest = min(inner, key=self._lost)
                self.origins[costliest] = [above, *(names for names in inner if names != costliest)]

    def _surely_changed(self, names: _Names) -> bool:
        times = self._paths[names].robust
        found = effect(times[: self._bases], times[self._bases :])
        return bool(found and found.p is not None and found.p <= 1 - _SURE)

    def _lost(self, names: _Names) -> float:
        """By how much the time of a path became less, in ms per step."""
        times = self._paths[names].robust
        old, new = (float(side.sum(axis=1).mean()) for side in (times[: self._bases], times[self._bases :]))
        return old - new


def _calls(path: PathTimes, bases: int) -> _Calls:
    before, after = set(path.calls[:bases]), set(path.calls[bases:])
    more = max(after) - max(before) if len(before) == len(after) == 1 else None
    return _Calls(more, gone=not any(after), new=not any(before))


def _off(lost: float, gained: float) -> float:
    """The logarithm of what one path gained by what the other lost; infinite if they are no such pair."""
    return math.log(gained / lost) if lost * gained > 0 else math.inf


def _common(one: Sequence[str], other: Sequence[str]) -> float:
    """How many names two paths have in common at their beginnings and their ends."""
    most = min(len(one), len(other))
    head = next((place for place in range(most) if one[place] != other[place]), most)
    tail = next((place for place in range(most) if one[-1 - place] != other[-1 - place]), most)
    return float(head + tail)
