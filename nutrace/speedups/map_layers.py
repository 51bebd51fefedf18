"""Questions of place to map layers: answered by an index of each layer instead of a scan of it."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Sequence, TypeVar

from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.speedups.bounds import at_least
from nutrace.speedups.forks import watch
from nutrace.speedups.noting import note

NAME = "map_cache"
#: What the devkit leaves in a layer that was asked for the nearest of its rows.
DISTANCE = "distance_to_point"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Options:
    """Options of the cache.

    Parameters
    ----------
    layers:
        How many layers it keeps an index of at most; the one not asked for the longest goes first.
        A map has thirteen that are asked.

    Raises
    ------
    SettingsError
        If `layers` is below 1.
    """

    layers: int = 64

    def __post_init__(self) -> None:
        at_least(NAME, "layers", self.layers, 1)


@dataclass
class _Entry:
    layer: weakref.ref[Any]
    index: Any
    #: What a scan took, by kind of question; 0 if index and scan did not agree.
    scan_ns: Dict[str, int] = field(default_factory=dict)


class MapCache:
    """Indexes of map layers, which are geopandas frames with the columns ``geometry`` and ``fid``.

    The first question of each kind to a layer is answered by a scan, and so is every one that an
    index cannot answer. A layer whose index does not agree with that scan is scanned ever after.
    Whether a layer still holds the geometries that were indexed is seen at every question: it may be
    replaced or changed in place. Threads may share a cache; a forked child goes on with what is in
    it and counts from zero.

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
        self._most = Options(layers).layers
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        # Reentrant: the garbage collector may run a finalizer of anybody's while we hold it.
        self._lock = threading.RLock()
        self._forget_figures()
        watch(self)

    def _forget_figures(self) -> None:
        self._hits = self._misses = self._builds = self._evictions = 0
        self._disagreements = self._faults = 0
        self._spent_ns = self._avoided_ns = 0

    def containing(self, layer: Any, point: Any) -> List[int]:
        """Positions of the rows whose geometry contains a shapely point, ascending."""

        def scan() -> List[int]:
            return _positions(layer.contains(point))

        def ask(index: Any) -> List[int]:
            found: List[int] = index.containing(point).tolist()
            return found

        return self._answer("contains", layer, scan, ask)

    def intersecting(self, layer: Any, area: Any) -> List[int]:
        """Positions of the rows whose geometry intersects a shapely geometry, ascending."""

        def scan() -> List[int]:
            return _positions(layer["geometry"].intersects(area))

        def ask(index: Any) -> List[int]:
            found: List[int] = index.intersecting(area).tolist()
            return found

        return self._answer("intersects", layer, scan, ask)

    def nearest(self, layer: Any, point: Any, scan: Callable[[], Any]) -> Any:
        """The ``fid`` of the row nearest to a shapely point, and its distance.

        As the devkit does it, with the two marks that it leaves: of several rows that are as near it
        takes the one that numpy's quicksort puts first, and the layer gets a column of the distances.
        All of them are computed therefore, but in one call. `scan` gives both in the devkit's way.
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
        """Keep nothing any more; the figures stay."""
        with self._lock:
            self._entries.clear()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``queries`` are those answered, by an index (``hits``) or by a scan (``misses``); ``builds``
        the indexes made, ``disagreements`` those not used since a scan saw something else, and
        ``faults`` the questions that an index could not answer. ``spent_ns`` is the time to make
        indexes, compare them, and ask them; ``avoided_ns`` what the first scan of its kind of the
        layer took, for each hit; ``bytes_held`` is without the trees, some 160 bytes a row.
        """
        with self._lock:
            return {
                "queries": self._hits + self._misses,
                "hits": self._hits,
                "misses": self._misses,
                "builds": self._builds,
                "evictions": self._evictions,
                "disagreements": self._disagreements,
                "faults": self._faults,
                "entries": len(self._entries),
                "bytes_held": sum(entry.index.size for entry in self._entries.values()),
                "spent_ns": self._spent_ns,
                "avoided_ns": self._avoided_ns,
            }

    def _answer(
        self, kind: str, layer: Any, scan: Callable[[], Answer], ask: Callable[[Any], Answer]
    ) -> Answer:
        began = now_ns()
        entry = None
        try:
            entry = self._entry(layer)
            if entry.scan_ns.get(kind, 0):
                found = ask(entry.index)
                with self._lock:
                    self._hits += 1
                    self._spent_ns += now_ns() - began
                    self._avoided_ns += entry.scan_ns[kind]
                return found
        except Exception:  # law 1: whatever is wrong, the scan says it, or knows better
            with self._lock:
                self._faults += 1
        scan_began = now_ns()
        found = scan()
        scan_ended = now_ns()
        # Misses only, the rare case: spans with attributes of their own are not merged.
        note("map", semconv.CACHE_HIT, False)
        if entry is not None and kind not in entry.scan_ns:
            self._compare(entry, kind, found, ask, scan_ended - scan_began)
        with self._lock:
            self._misses += 1
            self._spent_ns += scan_began - began + now_ns() - scan_ended
        return found

    def _compare(self, entry: _Entry, kind: str, found: Any, ask: Callable[[Any], Any], scan_ns: int) -> None:
        try:
            agreed = _equal(ask(entry.index), found)
        except Exception:  # law 1: a question that no index can answer is not one to judge it by
            return
        with self._lock:
            entry.scan_ns[kind] = max(1, scan_ns) if agreed else 0
            self._disagreements += not agreed

    def _entry(self, layer: Any) -> _Entry:
        geometries = _geometries(layer)
        with self._lock:
            entry = self._entries.get(id(layer))
            if entry is not None and entry.index.is_of(geometries):
                self._entries.move_to_end(id(layer))
                return entry
        from nutrace.speedups.layer_index import LayerIndex  # numpy and shapely, where a map is asked

        entry = _Entry(weakref.ref(layer), LayerIndex(geometries))
        with self._lock:
            for key in [key for key, each in self._entries.items() if each.layer() is None]:
                del self._entries[key]
            self._entries[id(layer)] = entry
            self._entries.move_to_end(id(layer))
            self._builds += 1
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
                self._evictions += 1
        return entry

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child's figures are its own."""
        if in_child:
            self._forget_figures()
        self._lock.release()


def cells(layer: Any, column: str, positions: List[int]) -> List[Any]:
    """What a column of a layer holds in some rows, as Python objects."""
    found: List[Any] = _array(layer[column])[positions].tolist()
    return found


def _array(values: Any) -> Any:
    import numpy as np  # with the devkit; not in a program that asks no map

    return np.asarray(values)


def _geometries(layer: Any) -> Any:
    column = layer.geometry
    if column.name != "geometry":
        raise ValueError("the layer's geometry is another column than the one that is asked")
    return _array(column.values)


def _positions(mask: Any) -> List[int]:
    found: List[int] = _array(mask).nonzero()[0].tolist()
    return found


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if hasattr(one, "dtype"):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    return bool(one == other)
