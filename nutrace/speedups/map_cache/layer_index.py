"""A spatial index of a map layer, which gives the same rows in the same order as a scan of the layer.

The tree compares bounding boxes and leaves out geometries that lie apart. The others are tested by the same
predicate that a scan uses, geometry by geometry, so the answers are equal bit for bit.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

# Imported by name: shapely has no types, and both come with the devkit.
np = importlib.import_module("numpy")
shapely = importlib.import_module("shapely")

# Relative to the coordinates: more than rounding can move a box, and little beside any distance.
_MARGIN = 1e-9


class Unsuited(ValueError):
    """A question, or a layer, that a scan must answer."""


class LayerIndex:
    """An index of a layer's geometries.

    Threads may share one. It refers to the geometries, which never change, in an array of its own.

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
        """The memory that it takes in bytes, without the tree, which GEOS holds, and the geometries."""
        return len(self._pointers) + int(self._geometries.nbytes)

    def is_of(self, geometries: Any) -> bool:
        """Whether these are the geometries that it was made of, in the same order."""
        return bool(geometries.tobytes() == self._pointers)

    def containing(self, point: Any) -> Any:
        """Positions of the geometries that contain `point`, ascending."""
        return self._matching(shapely.contains, point)

    def intersecting(self, area: Any) -> Any:
        """Positions of the geometries that intersect `area`, ascending."""
        return self._matching(shapely.intersects, area)

    def _matching(self, predicate: Any, geometry: Any) -> Any:
        if not math.isfinite(shapely.bounds(geometry).sum()):
            raise Unsuited("non-finite coordinates")
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
            If a geometry is missing or empty, and so has no distance; or if coordinates are not finite.
        """
        if not self._complete:
            raise Unsuited("a layer with missing or empty geometries")
        distances = shapely.distance(point, self._geometries)
        if not math.isfinite(distances.sum()):
            raise Unsuited("non-finite coordinates")
        return distances

    def distance(self, point: Any) -> Any:
        """The least distance of any geometry from `point`.

        Raises
        ------
        Unsuited
            As :meth:`distances` does.
        """
        if not self._complete:
            raise Unsuited("a layer with missing or empty geometries")
        x, y = float(point.x), float(point.y)
        reach = float(shapely.distance(point, self._geometries[self._tree.nearest(point)]))
        reach += _MARGIN * (1.0 + abs(x) + abs(y) + reach)
        if not math.isfinite(x + y + reach):
            raise Unsuited("non-finite coordinates")
        # The tree's comparison may differ in the last bit, so all geometries that are as near are compared.
        near = self._tree.query(shapely.box(x - reach, y - reach, x + reach, y + reach))
        return shapely.distance(point, self._geometries[near]).min()
