"""Answer questions of place to map layers by a spatial index of each layer, instead of a scan of it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Dict, List, Sequence, TypeVar

from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.speedups import forks, options
from nutrace.speedups.bounded_cache import BoundedCache
from nutrace.speedups.figures import Figures
from nutrace.speedups.noting import note
from nutrace.speedups.options import option

#: The column that the devkit adds to a layer that was asked for the nearest of its rows.
DISTANCE = "distance_to_point"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the cache."""

    speedup: ClassVar[str] = "map_cache"

    layers: int = option(
        64,
        "how many layers it keeps an index of; the one not used for the longest time goes first; a map has "
        "thirteen that are asked",
        least=1,
    )


@dataclass
class _Entry:
    layer: weakref.ref[Any]
    index: Any
    #: What a scan took, by kind of question; 0 if index and scan did not agree.
    scan_ns: Dict[str, int] = field(default_factory=dict)


class MapCache:
    """Indexes of map layers, which are geopandas frames with the columns ``geometry`` and ``fid``.

    The first question of each kind to a layer is answered by a scan, and so is each that an index cannot
    answer. If the index does not agree with that scan, the layer is always scanned. At every question it is
    checked that the layer still holds the geometries that were indexed, because a layer may be replaced or
    changed in place. Threads may share a cache; a forked child goes on with its indexes and counts from zero.

    Parameters
    ----------
    layers:
        How many layers it keeps an index of at most.

    Raises
    ------
    SettingsError
        If `layers` is below 1.
    """

    def __init__(self, layers: int = Options.layers) -> None:
        self._figures = Figures(
            *("hits", "misses", "builds", "evictions", "disagreements", "faults", "spent_ns", "avoided_ns")
        )
        self._entries: BoundedCache[int, _Entry] = BoundedCache(self._figures, Options(layers).layers)

    def containing(self, layer: Any, point: Any) -> List[int]:
        """Positions of the rows whose geometry contains a shapely point, ascending."""

        def scan() -> List[int]:
            return _positions(layer.contains(point))

        def ask(index: Any) -> List[int]:
            positions: List[int] = index.containing(point).tolist()
            return positions

        return self._answer("contains", layer, scan, ask)

    def intersecting(self, layer: Any, area: Any) -> List[int]:
        """Positions of the rows whose geometry intersects a shapely geometry, ascending."""

        def scan() -> List[int]:
            return _positions(layer["geometry"].intersects(area))

        def ask(index: Any) -> List[int]:
            positions: List[int] = index.intersecting(area).tolist()
            return positions

        return self._answer("intersects", layer, scan, ask)

    def nearest(self, layer: Any, point: Any, scan: Callable[[], Any]) -> Any:
        """The ``fid`` of the row nearest to a shapely point, and its distance; `scan` gives the same.

        The devkit sorts a new column of the layer by numpy's quicksort, which decides which of several
        nearest rows comes first. So all distances are computed here as well, in one call, and written to the
        column.
        """

        def ask(index: Any) -> Any:
            distances = index.distances(point)
            layer[DISTANCE] = distances
            first = distances.argsort(kind="quicksort")[0]
            return _array(layer["fid"])[first], distances[first]

        return self._answer("nearest", layer, scan, ask)

    def nearest_distances(self, layer: Any, points: Sequence[Any], scan: Callable[[], Any]) -> Any:
        """The distance of the nearest row from each of some shapely points; `scan` gives the same."""

        def ask(index: Any) -> Any:
            return _array([index.distance(point) for point in points])

        return self._answer("distances", layer, scan, ask)

    def clear(self) -> None:
        """Drop all indexes; the figures stay."""
        self._entries.clear()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``queries`` are the questions answered, by an index (``hits``) or by a scan (``misses``); ``builds``
        the indexes made, ``disagreements`` the indexes that a scan contradicted, ``faults`` the questions
        that an index could not answer. ``spent_ns`` is the time to make indexes, compare them, and ask them;
        ``avoided_ns`` the time of the layer's first scan of that kind, for each hit; ``bytes_held`` is
        without the trees, which take some 160 bytes a row.
        """
        stats = self._entries.stats()
        return {"queries": stats["hits"] + stats["misses"], **stats}

    def _answer(
        self, kind: str, layer: Any, scan: Callable[[], Answer], ask: Callable[[Any], Answer]
    ) -> Answer:
        began = now_ns()
        entry = None
        try:
            entry = self._entry(layer)
            if entry.scan_ns.get(kind, 0):
                answer = ask(entry.index)
                self._figures.add(hits=1, spent_ns=now_ns() - began, avoided_ns=entry.scan_ns[kind])
                return answer
        except Exception:  # whatever is wrong, the scan raises it, or knows better
            self._figures.add(faults=1)
        scan_began = now_ns()
        answer = scan()
        scan_ended = now_ns()
        # Misses only: spans with attributes of their own are not merged, and hits are many.
        note("map", semconv.CACHE_HIT, False)
        if entry is not None and kind not in entry.scan_ns:
            self._compare(entry, kind, answer, ask, scan_ended - scan_began)
        self._figures.add(misses=1, spent_ns=scan_began - began + now_ns() - scan_ended)
        return answer

    def _compare(
        self, entry: _Entry, kind: str, scanned: Any, ask: Callable[[Any], Any], scan_ns: int
    ) -> None:
        try:
            agreed = _equal(ask(entry.index), scanned)
        except Exception:  # a question that no index can answer says nothing about this one
            return
        with forks.lock:
            entry.scan_ns[kind] = max(1, scan_ns) if agreed else 0
        self._figures.add(disagreements=int(not agreed))

    def _entry(self, layer: Any) -> _Entry:
        geometries = _geometries(layer)
        entry = self._entries.get(id(layer))
        if entry is not None and entry.index.is_of(geometries):
            return entry
        from nutrace.speedups.map_cache.layer_index import LayerIndex  # imports numpy and shapely

        entry = _Entry(weakref.ref(layer), LayerIndex(geometries))
        self._entries.drop_where(lambda _, each: each.layer() is None)
        self._figures.add(builds=1)
        self._entries.put(id(layer), entry, entry.index.size)
        return entry


def cells(layer: Any, column: str, positions: List[int]) -> List[Any]:
    """The values of a layer's column in some rows, as Python objects."""
    values: List[Any] = _array(layer[column])[positions].tolist()
    return values


def _array(values: Any) -> Any:
    import numpy as np  # comes with the devkit; a program that asks no map does without

    return np.asarray(values)


def _geometries(layer: Any) -> Any:
    column = layer.geometry
    if column.name != "geometry":
        raise ValueError("the layer's geometry is another column than the one that is asked")
    return _array(column.values)


def _positions(mask: Any) -> List[int]:
    positions: List[int] = _array(mask).nonzero()[0].tolist()
    return positions


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if hasattr(one, "dtype"):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    return bool(one == other)
