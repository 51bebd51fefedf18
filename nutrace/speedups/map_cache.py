"""The map cache on the devkit: under the questions of place that its maps answer.

What is replaced are the places where a whole layer is scanned. Everything around stays the devkit's
own: which layer is asked, how it is loaded, how objects are made of rows, and which of them are kept.
"""

from __future__ import annotations

import functools
import inspect
import sys
from dataclasses import dataclass
from types import CodeType
from typing import Any, Callable, FrozenSet, Iterator, List, Mapping, Tuple

from nutrace.patching import MissingTarget, Replacement, Switch
from nutrace.speedups.map_layers import MapCache, Options, cells
from nutrace.speedups.speedup import Misfit

__all__ = ["MapCache", "Options", "Part", "Place", "build"]

_MAP = "nuplan.common.maps.nuplan_map.nuplan_map:NuPlanMap"
_ABSTRACT = "nuplan.common.maps.abstract_map:AbstractMap"


@dataclass(frozen=True)
class Place:
    """A function that scans a layer.

    Parameters
    ----------
    target:
        As a probe's.
    parameters, words:
        By which it is known: names of its parameters, and every name and text that its code
        mentions. One that scans in another way has others.
    family:
        The abstract method that it overrides, if that is traced: a replacement is in place as soon as
        the class is made, so that what traces the method stands around the cache.
    """

    target: str
    parameters: str
    words: FrozenSet[str]
    family: str = ""

    def check(self, function: Any) -> None:
        """Raise :class:`Misfit` if `function` is not the one that we know."""
        if " ".join(inspect.signature(function).parameters) != self.parameters:
            raise Misfit(f"{function.__qualname__} takes other arguments than ({self.parameters})")
        if set(_words(function.__code__, function.__doc__)) != self.words:
            raise Misfit(f"{function.__qualname__} asks a layer in another way than the one known")


def _place(target: str, parameters: str, words: str, family: str = "") -> Place:
    return Place(target, parameters, frozenset(words.split()), family)


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


class Part:
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
            each for place, make in places for each in _replacements(place, make)
        )

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Forget everything."""
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
            found = cache.containing(rows, point_of(point.x, point.y))
            return [self.get_map_object(fid, layer) for fid in cells(rows, "fid", found)]

        return get_all

    def _connectors(self, original: Any, switch: Switch) -> Any:
        cache, point_of = self.cache, _points(original)

        def get_all_lane_connectors(self: Any, point: Any) -> Any:
            if not switch:
                return original(self, point)
            rows = self._load_vector_map_layer(self._LANE_CONNECTOR_POLYGON_LAYER)
            found = cache.containing(rows, point_of(point.x, point.y))
            return [self._get_lane_connector(str(fid)) for fid in cells(rows, "lane_connector_fid", found)]

        return get_all_lane_connectors

    def _proximal(self, original: Any, switch: Switch) -> Any:
        cache = self.cache

        def get_proximal(self: Any, patch: Any, layer: Any) -> Any:
            if not switch:
                return original(self, patch, layer)
            rows = self._get_vector_map_layer(layer)
            found = cache.intersecting(rows, patch)
            return [self.get_map_object(fid, layer) for fid in cells(rows, "fid", found)]

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
    def stand_in(original: Any, switch: Switch) -> Any:
        if f"{original.__module__}:{original.__qualname__}" != place.target:
            raise MissingTarget("another map class, which looks as it looks")
        place.check(original)
        _check_shapely()
        return functools.wraps(original)(make(original, switch))

    if place.family:
        yield Replacement(place.family, stand_in, subclasses=True, distribution="nuplan-devkit")
    # Says so as well if there is no such function.
    yield Replacement(place.target, stand_in, distribution="nuplan-devkit")


def _check_shapely() -> None:
    shapely, geopandas = sys.modules.get("shapely"), sys.modules.get("geopandas")
    if shapely is None or geopandas is None:
        raise Misfit("its maps are not geopandas frames of shapely geometries")
    if int(shapely.__version__.partition(".")[0]) < 2:
        raise Misfit(f"shapely is {shapely.__version__}, and must be 2.0 or later")
    if getattr(geopandas.options, "use_pygeos", False):
        raise Misfit("geopandas uses pygeos instead of shapely")


def _points(original: Any) -> Any:
    """What makes the points that `original` asks for."""
    return original.__globals__["geom"].Point


def _words(code: CodeType, doc: Any) -> Iterator[str]:
    """The names that a function's code looks up, and the texts in it but for its docstring."""
    yield from code.co_names
    constants: List[Any] = [each for each in code.co_consts if each is not doc]
    while constants:
        each = constants.pop()
        if isinstance(each, CodeType):
            yield from _words(each, None)
        elif isinstance(each, tuple):
            constants += each
        elif isinstance(each, str) and "<" not in each and " " not in each:
            yield each


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)
