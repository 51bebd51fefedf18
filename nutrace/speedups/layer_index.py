"""A map layer's geometries behind a spatial index: the same rows in the same order as a scan of them all.

The tree knows bounding boxes and only leaves out what lies apart; what remains is asked the very
predicate that a scan asks, geometry by geometry. So answers are equal bit for bit, and not only nearly.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

# Imported by name: shapely carries no types, and both come with the devkit, not with us.
np = importlib.import_module("numpy")
shapely = importlib.import_module("shapely")

# Of the coordinates: more than what rounding can move a box, and little beside any distance.
_MARGIN = 1e-9


class Unsuited(ValueError):
    """A question, or a layer, that is left to a scan."""


class LayerIndex:
    """An index of a layer's geometries.

    Threads may share one. It holds the geometries themselves, which never change, in an array of its own.

    Parameters
    ----------
    geometries:
        The layer's column, a numpy array of shapely geometries or ``None``.
    """

    def __init__(self, geometries: Any) -> None:
        self._pointers: bytes = geometries.tobytes()
        self._tree = shapely.STRtree(geometries)
        self._geometries = self._tree.geometries
        self._complete = bool(len(geometries)) and not bool(
            (shapely.is_missing(geometries) | shapely.is_empty(geometries)).any()
        )

    @property
    def size(self) -> int:
        """What it holds, in bytes; without the tree, which GEOS keeps, and without the geometries."""
        return len(self._pointers) + int(self._geometries.nbytes)

    def is_of(self, geometries: Any) -> bool:
        """Whether these are the very geometries that it was made of, in the same order."""
        return bool(geometries.tobytes() == self._pointers)

    def containing(self, point: Any) -> Any:
        """Positions of the geometries that contain `point`, ascending."""
        return self._those(shapely.contains, point)

    def intersecting(self, area: Any) -> Any:
        """Positions of the geometries that intersect `area`, ascending."""
        return self._those(shapely.intersects, area)

    def _those(self, predicate: Any, geometry: Any) -> Any:
        if not math.isfinite(shapely.bounds(geometry).sum()):
            raise Unsuited("a place that is none")
        near = self._tree.query(geometry)
        if not near.size:
            return near
        near.sort()
        return near[predicate(self._geometries[near], geometry)]

    def distances(self, point: Any) -> Any:
        """The distance of each geometry from `point`, in the layer's order.

        Raises
        ------
        Unsuited
            If a geometry is missing or empty: it has no distance.
        """
        if not self._complete:
            raise Unsuited("a layer with gaps")
        distances = shapely.distance(point, self._geometries)
        if not math.isfinite(distances.sum()):
            raise Unsuited("a place that is none")
        return distances

    def distance(self, point: Any) -> Any:
        """The least distance of any geometry from `point`.

        Raises
        ------
        Unsuited
            As above.
        """
        if not self._complete:
            raise Unsuited("a layer with gaps")
        x, y = float(point.x), float(point.y)
        reach = float(shapely.distance(point, self._geometries[self._tree.nearest(point)]))
        reach += _MARGIN * (1.0 + abs(x) + abs(y) + reach)
        if not math.isfinite(x + y + reach):
            raise Unsuited("a place that is none")
        # The tree's own comparison may differ in the last bit: all that are as near have their say.
        near = self._tree.query(shapely.box(x - reach, y - reach, x + reach, y + reach))
        return shapely.distance(point, self._geometries[near]).min()
