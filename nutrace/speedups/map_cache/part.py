"""The map cache as a speedup: where the devkit's maps scan a whole layer.

Everything around stays the devkit's own: which layer is asked, how it is loaded, how objects are made of
rows, and which of them are kept.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Tuple

from nutrace.speedups.known_code import KnownFunction
from nutrace.speedups.map_cache.cache import MapCache, Options, cells
from nutrace.speedups.speedup import Misfit, MissingTarget, Replacement, Switch

_MAP = "nuplan.common.maps.nuplan_map.nuplan_map:NuPlanMap"
_ABSTRACT = "nuplan.common.maps.abstract_map:AbstractMap"


@dataclass(frozen=True)
class Place:
    """A function that scans a layer.

    Parameters
    ----------
    target:
        The function.
    known:
        Its shape.
    family:
        The abstract method that it overrides, if that is traced. Replacing the methods that override it puts
        the cache in place as soon as the class is made, so that a span of the method stands around the cache.
    """

    target: str
    known: KnownFunction
    family: str = ""


def _place(target: str, parameters: str, words: str, family: str = "") -> Place:
    return Place(target, KnownFunction(parameters, frozenset(words.split()), "asks a layer"), family)


IN_TYPE = _place(
    "nuplan.common.maps.nuplan_map.utils:is_in_type",
    "x y vector_layer",
    "Point any contains geom values",
)
ALL = _place(
    f"{_MAP}._get_all_map_objects",
    "self point layer",
    "LANE_CONNECTOR Point SemanticMapLayer _get_all_lane_connectors _get_vector_map_layer contains fid geom"
    " get_map_object loc tolist x y",
)
CONNECTORS = _place(
    f"{_MAP}._get_all_lane_connectors",
    "self point",
    "Point _LANE_CONNECTOR_POLYGON_LAYER _get_lane_connector _load_vector_map_layer contains geom"
    " lane_connector_fid list loc map str tolist x y",
)
PROXIMAL = _place(
    f"{_MAP}._get_proximity_map_object",
    "self patch layer",
    "_get_vector_map_layer fid geometry get_map_object intersects",
)
_NEAREST = "get_distance_to_nearest_map_object"
NEAREST = _place(
    f"{_MAP}.{_NEAREST}",
    "self point layer",
    "Point _get_vector_map_layer apply axis by distance distance_to_point fid geom geometry iloc"
    " sort_values x y",
    f"{_ABSTRACT}.{_NEAREST}",
)
_MATRIX = "get_distances_matrix_to_nearest_map_object"
MATRIX = _place(
    f"{_MAP}.{_MATRIX}",
    "self points layer",
    "GeoSeries NDArray Point _get_vector_map_layer apply asarray cast distance float64 geom geometry"
    " geopandas min np npt x y",
    f"{_ABSTRACT}.{_MATRIX}",
)


class MapPart:
    """The cache, and where it stands."""

    def __init__(self, options: Options) -> None:
        self.cache = MapCache(options.layers)
        places = (
            (IN_TYPE, self._in_type),
            (ALL, self._all),
            (CONNECTORS, self._connectors),
            (PROXIMAL, self._proximal),
            (NEAREST, self._nearest),
            (MATRIX, self._matrix),
        )
        self.replacements: Tuple[Replacement, ...] = tuple(
            replacement for place, make in places for replacement in _replacements(place, make)
        )

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Drop everything."""
        self.cache.clear()

    def _in_type(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)

        def is_in_type(x: Any, y: Any, vector_layer: Any) -> Any:
            if not switch or vector_layer is None:
                return original(x, y, vector_layer)
            return bool(cache.containing(vector_layer, point_of(x, y)))

        return is_in_type

    def _all(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)
        connectors = original.__globals__["SemanticMapLayer"].LANE_CONNECTOR

        def get_all(self: Any, point: Any, layer: Any) -> Any:
            if not switch or layer == connectors:
                return original(self, point, layer)
            rows = self._get_vector_map_layer(layer)
            positions = cache.containing(rows, point_of(point.x, point.y))
            return [self.get_map_object(fid, layer) for fid in cells(rows, "fid", positions)]

        return get_all

    def _connectors(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)

        def get_all_lane_connectors(self: Any, point: Any) -> Any:
            if not switch:
                return original(self, point)
            rows = self._load_vector_map_layer(self._LANE_CONNECTOR_POLYGON_LAYER)
            positions = cache.containing(rows, point_of(point.x, point.y))
            return [
                self._get_lane_connector(str(fid)) for fid in cells(rows, "lane_connector_fid", positions)
            ]

        return get_all_lane_connectors

    def _proximal(self, original: Any, switch: Switch) -> Any:
        cache = self.cache

        def get_proximal(self: Any, patch: Any, layer: Any) -> Any:
            if not switch:
                return original(self, patch, layer)
            rows = self._get_vector_map_layer(layer)
            positions = cache.intersecting(rows, patch)
            return [self.get_map_object(fid, layer) for fid in cells(rows, "fid", positions)]

        return get_proximal

    def _nearest(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)

        def get_nearest(self: Any, point: Any, layer: Any) -> Any:
            rows = self._get_vector_map_layer(layer) if switch else None
            if rows is None:
                return original(self, point, layer)
            scan = functools.partial(original, self, point, layer)
            return cache.nearest(rows, point_of(point.x, point.y), scan)

        return get_nearest

    def _matrix(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)

        def get_distances(self: Any, points: Any, layer: Any) -> Any:
            rows = self._get_vector_map_layer(layer) if switch and type(points) is list and points else None
            if rows is None:
                return original(self, points, layer)
            scan = functools.partial(original, self, points, layer)
            return cache.nearest_distances(rows, [point_of(point.x, point.y) for point in points], scan)

        return get_distances


def _replacements(place: Place, make: Callable[[Any, Switch], Any]) -> Iterator[Replacement]:
    def replace(original: Any, switch: Switch) -> Any:
        if f"{original.__module__}:{original.__qualname__}" != place.target:
            raise MissingTarget("another map class, which looks in its own way")
        place.known.check(original)
        _check_shapely()
        return functools.wraps(original)(make(original, switch))

    if place.family:
        yield Replacement(place.family, replace, subclasses=True, distribution="nuplan-devkit")
    # The function itself as well: if the devkit does not have it, the speedup does not fit.
    yield Replacement(place.target, replace, distribution="nuplan-devkit")


def _check_shapely() -> None:
    shapely, geopandas = sys.modules.get("shapely"), sys.modules.get("geopandas")
    if shapely is None or geopandas is None:
        raise Misfit("its maps are not geopandas frames of shapely geometries")
    if int(shapely.__version__.partition(".")[0]) < 2:
        raise Misfit(f"shapely is {shapely.__version__}, and must be 2.0 or later")
    if getattr(geopandas.options, "use_pygeos", False):
        raise Misfit("geopandas uses pygeos instead of shapely")


def _points(original: Any) -> Any:
    """The class of the points that `original` asks for."""
    return original.__globals__["geom"].Point


build = MapPart
