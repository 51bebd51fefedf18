"""Compare the devkit's maps with and without the map cache. A test runs this file with the devkit's pytest.

Two maps of one place get the same queries in the same order, one of them with the speedup's switch off. They
must agree in values and types bit for bit, in errors, in which objects are new and which were returned
before, and in what the queries leave in the layers.
"""

from __future__ import annotations

import functools
import gc
import os
import random
import threading
from typing import Any, Callable, Dict, Iterator, List

import geopandas
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nuplan.common.actor_state.state_representation import Point2D
from nuplan.common.maps.abstract_map import AbstractMap
from nuplan.common.maps.abstract_map_objects import AbstractMapObject
from nuplan.common.maps.maps_datatypes import SemanticMapLayer
from nuplan.common.maps.nuplan_map import nuplan_map, utils
from nuplan.common.maps.nuplan_map.nuplan_map import NuPlanMap
from nuplan.database.maps_db.gpkg_mapsdb import GPKGMapsDB
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from nutrace.speedups import forks
from nutrace.speedups.active import speedups, switch_off
from nutrace.speedups.map_cache import MapCache
from nutrace.synthetic import road

ROOT = os.environ["NUPLAN_MAPS_ROOT"]
LAYERS = list(SemanticMapLayer)
OBJECTS = list(NuPlanMap(None, "").get_available_map_objects())
#: The layer that examples replace. Of all layers the devkit scans it first.
PLAIN = SemanticMapLayer.CROSSWALK
quick = functools.partial(settings, deadline=None, derandomize=True, database=None)


def new_map() -> NuPlanMap:
    return NuPlanMap(GPKGMapsDB(map_root=ROOT, map_version=road.MAP_FILE), road.MAP_NAME)


@pytest.fixture(scope="module")
def installation() -> Iterator[Any]:
    with speedups("map_cache") as (installed,):
        assert installed.refused == ""
        yield installed


class Asked:
    """A map, and all objects that it has returned, numbered in order."""

    def __init__(self, api: NuPlanMap) -> None:
        self.api = api
        self.objects: List[Any] = []
        self._numbers: Dict[int, int] = {}

    def __call__(self, question: Callable[[NuPlanMap], Any]) -> Any:
        try:
            return self.plain(question(self.api))
        except Exception as error:
            return [type(error), str(error)]

    def plain(self, value: Any) -> Any:
        if isinstance(value, AbstractMapObject):
            if id(value) not in self._numbers:
                self._numbers[id(value)] = len(self.objects)
                self.objects.append(value)
            return [type(value), value.id, self._numbers[id(value)]]
        if isinstance(value, (float, np.floating)):
            return [type(value), value.hex() if isinstance(value, float) else value.tobytes()]
        if isinstance(value, np.ndarray):
            return [value.dtype, value.shape, value.tobytes()]
        if isinstance(value, dict):
            return [type(value), [[key, self.plain(item)] for key, item in value.items()]]
        if isinstance(value, (list, tuple)):
            return [type(value), [self.plain(item) for item in value]]
        assert value is None or isinstance(value, (bool, str))
        return value


class Pair:
    """Two maps: one queried by the devkit's own code, one through the cache."""

    def __init__(self, installation: Any) -> None:
        self.switch, self.cache = installation.switch, installation.part.cache
        self.stock, self.cached = Asked(new_map()), Asked(new_map())

    def ask(self, question: Callable[[NuPlanMap], Any]) -> Any:
        self.switch.off()
        try:
            expected = self.stock(question)
        finally:
            self.switch.on()
        assert self.cached(question) == expected
        return expected

    def compare_layers(self) -> None:
        stock, cached = self.stock.api._vector_map, self.cached.api._vector_map
        assert list(stock) == list(cached)
        for name, frame in stock.items():
            assert type(frame) is type(cached[name]) is geopandas.GeoDataFrame
            pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(cached[name]), check_exact=True)

    def put(self, rows: List[Any]) -> None:
        for asked in (self.stock, self.cached):
            names = [str(number) for number in range(len(rows))]
            frame = geopandas.GeoDataFrame({"geometry": list(rows)}, index=names, crs=road.EPSG)
            frame["fid"] = names
            asked.api._vector_map["crosswalks"] = frame
            asked.api._map_objects.pop(PLAIN, None)


@pytest.fixture(scope="module")
def pair(installation: Any) -> Pair:
    return Pair(installation)


def corners() -> List[Any]:
    """Corners and middles of edges of all shapes on the map, where rounding decides what contains them."""
    api, points_on_edges = new_map(), set()
    api.initialize_all_layers()
    for frame in api._vector_map.values():
        for shape in frame.geometry:
            points = list((getattr(shape, "exterior", None) or shape).coords)
            points_on_edges.update(points[:5])
            points_on_edges.update(
                ((x1 + x2) / 2, (y1 + y2) / 2) for (x1, y1), (x2, y2) in zip(points[:4], points[1:5])
            )
    return sorted(points_on_edges)


nowhere = st.sampled_from([float("nan"), float("inf"), -float("inf")])
places = st.one_of(
    st.builds(road.to_utm, st.floats(-50, 2450), st.floats(-30, 30)),
    st.deferred(lambda: st.sampled_from(corners())),
    st.tuples(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7)),
    st.tuples(nowhere | st.just(664_500.0), nowhere | st.just(3_998_950.0)),
).map(lambda place: Point2D(*place))
radii = st.one_of(
    st.sampled_from([0.0, 1e-9, 50.0, 1e6, -5.0, float("nan"), float("inf")]), st.floats(0, 200)
)


def questions(places: Any, layers: Any, few: Any) -> Any:
    return st.one_of(
        st.builds(lambda p, la: lambda api: api.is_in_layer(p, la), places, layers),
        st.builds(lambda p, la: lambda api: api.get_all_map_objects(p, la), places, layers),
        st.builds(lambda p, la: lambda api: api.get_one_map_object(p, la), places, layers),
        st.builds(
            lambda p, r, ls: lambda api: api.get_proximal_map_objects(p, r, ls),
            places,
            radii,
            st.lists(few, min_size=1, max_size=4),
        ),
        st.builds(lambda p, la: lambda api: api.get_distance_to_nearest_map_object(p, la), places, layers),
        st.builds(
            lambda ps, la: lambda api: api.get_distances_matrix_to_nearest_map_object(ps, la),
            st.lists(places, max_size=3),
            layers,
        ),
    )


def test_answers_about_the_map_are_equal(pair: Pair) -> None:
    @quick(max_examples=2 * int(os.environ.get("EXAMPLES", 50)))
    @given(st.lists(questions(places, st.sampled_from(LAYERS), st.sampled_from(OBJECTS)), max_size=8))
    def ask(asked: List[Any]) -> None:
        for question in asked:
            pair.ask(question)

    ask()
    figures = pair.cache.stats()
    assert figures["hits"] > 100
    assert figures["queries"] == figures["hits"] + figures["misses"]
    assert figures["disagreements"] == 0
    assert figures["entries"] == figures["builds"] <= len(LAYERS) + 1
    assert figures["bytes_held"] > 0 < figures["spent_ns"]
    pair.compare_layers()
    for stock, cached in zip(pair.stock.objects, pair.cached.objects):
        assert cached.polygon.wkb == stock.polygon.wkb
        assert vars(cached).keys() == vars(stock).keys()


numbers = st.integers(0, 4).map(float)
corner = st.tuples(numbers, numbers)
boxes = st.builds(lambda a, b: box(*a, *b), corner, corner)
shapes = st.one_of(
    boxes,
    boxes,
    st.builds(lambda *points: Polygon(points), corner, corner, corner),
    st.builds(lambda a, b: MultiPolygon([a, b]), boxes, boxes),
    st.builds(lambda a, b: LineString([a, b]), corner, corner),
    st.builds(Point, corner),
    st.sampled_from([None, Polygon(), Point(), MultiPolygon()]),
)
halves = st.integers(-2, 10).map(lambda n: n / 2)
near = st.builds(Point2D, halves, halves)
crosswalks = st.just(PLAIN)


@quick(max_examples=int(os.environ.get("EXAMPLES", 50)))
@given(
    rows=st.lists(boxes, max_size=40) | st.lists(shapes, max_size=12),
    asked=st.lists(questions(near, crosswalks, crosswalks), min_size=4, max_size=12),
)
def test_answers_about_any_layer_are_equal(pair: Pair, rows: List[Any], asked: List[Any]) -> None:
    """Layers with overlaps, ties, copies, lines and gaps, which some maps have."""
    pair.put(rows)
    for question in asked:
        pair.ask(question)
    assert pair.cache.stats()["disagreements"] == 0
    pair.compare_layers()


def ask_all(pair: Pair, x: float = 0.5, y: float = 0.5) -> List[Any]:
    at = Point2D(x, y)
    return [
        pair.ask(lambda api: api.is_in_layer(at, PLAIN)),
        pair.ask(lambda api: api.get_all_map_objects(at, PLAIN)),
        pair.ask(lambda api: api.get_proximal_map_objects(at, 1.0, [PLAIN])),
        pair.ask(lambda api: api.get_distance_to_nearest_map_object(at, PLAIN)),
        pair.ask(lambda api: api.get_distances_matrix_to_nearest_map_object([at], PLAIN)),
    ]


def shuffled(rows: List[Any]) -> List[Any]:
    random.Random(3).shuffle(rows)
    return rows


def test_rows_come_in_their_order_and_of_equals_the_same_is_first(pair: Pair) -> None:
    """With more rows than a node of the tree holds, and more than numpy sorts by insertion."""
    pair.put(shuffled([box(x, y, x + 3, y + 3) for x in range(12) for y in range(12)]))
    several = 0
    for x, y in [(x + 0.5, y + 0.5) for x in range(-1, 15, 3) for y in range(-1, 15, 3)]:
        _, here, *_ = ask_all(pair, x, y)
        several += len(here[1]) > 3
    assert several > 9
    pair.compare_layers()


def test_a_layer_that_changes_is_noticed(pair: Pair) -> None:
    pair.put([box(0, 0, 1, 1), box(3, 3, 4, 4)])
    assert ask_all(pair)[0] is ask_all(pair)[0] is True
    frames = [asked.api._vector_map["crosswalks"] for asked in (pair.stock, pair.cached)]
    for frame in frames:
        frame.geometry.values[0] = box(7, 7, 8, 8)
    assert ask_all(pair)[0] is ask_all(pair)[0] is False
    for frame in frames:
        frame["geometry"] = [box(0, 0, 2, 2), box(0, 0, 1, 1)]
    assert ask_all(pair)[0] is ask_all(pair)[0] is True
    for frame in frames:
        frame.loc[:, "fid"] = ["1", "0"]
    assert ask_all(pair)[1:] == ask_all(pair)[1:]
    pair.put([box(5, 5, 6, 6)])
    assert ask_all(pair)[0] is ask_all(pair)[0] is False
    for asked in (pair.stock, pair.cached):  # another column becomes the geometry
        frame = asked.api._vector_map["crosswalks"]
        frame["area"] = frame.geometry.translate(-5, -5)
        frame.set_geometry("area", inplace=True)
    faults = pair.cache.stats()["faults"]
    assert ask_all(pair)[0] is True
    assert pair.cache.stats()["faults"] == faults + 5


def test_what_a_caller_does_to_an_answer_is_no_other_callers_business(pair: Pair) -> None:
    pair.put([box(0, 0, 1, 1)])
    ask_all(pair)
    before = ask_all(pair)
    api, at = pair.cached.api, Point2D(0.5, 0.5)
    api.get_all_map_objects(at, PLAIN).clear()
    api.get_proximal_map_objects(at, 1.0, [PLAIN])[PLAIN].append(None)
    api.get_distances_matrix_to_nearest_map_object([at], PLAIN)[0] = 7.0
    api._vector_map["crosswalks"]["distance_to_point"] = -1.0
    assert ask_all(pair) == before


class OddFrame(geopandas.GeoDataFrame):
    """A layer that contains no point, whatever its shapes are."""

    def contains(self, *args: Any, **kwargs: Any) -> Any:
        return super().contains(*args, **kwargs) & False


def test_a_layer_whose_scan_says_something_else_is_scanned() -> None:
    cache = MapCache()
    frame = OddFrame({"geometry": [box(0, 0, 1, 1)], "fid": ["0"]})
    assert [cache.containing(frame, Point(0.5, 0.5)) for _ in range(3)] == [[], [], []]
    assert [cache.intersecting(frame, Point(0.5, 0.5)) for _ in range(3)] == [[0], [0], [0]]
    figures = cache.stats()
    assert (figures["disagreements"], figures["hits"], figures["misses"]) == (1, 2, 4)


def test_layers_are_bounded() -> None:
    cache = MapCache(layers=2)
    frames = [geopandas.GeoDataFrame({"geometry": [box(0, 0, n, n)] * n}) for n in (1, 2, 3)]
    for frame in [*frames, *frames]:
        assert cache.containing(frame, Point(0.5, 0.5)) == list(range(len(frame)))
    figures = cache.stats()
    assert (figures["entries"], figures["builds"], figures["evictions"]) == (2, 6, 4)
    assert figures["bytes_held"] == 2 * 8 * (2 + 3)
    del frame, frames
    gc.collect()
    cache.containing(geopandas.GeoDataFrame({"geometry": [box(0, 0, 1, 1)]}), Point(0.5, 0.5))
    assert cache.stats()["entries"] == 1  # collected layers are dropped from the cache
    cache.clear()
    assert cache.stats()["bytes_held"] == 0


def test_threads() -> None:
    shapes = shuffled([box(x, y, x + 1.5, y + 1.5) for x in range(12) for y in range(12)])
    frames = [geopandas.GeoDataFrame({"geometry": shapes[n:]}) for n in range(4)]
    points = [Point(n % 13 + 0.7, n // 13 + 0.7) for n in range(169)]
    expected = [[list(np.flatnonzero(frame.contains(point))) for point in points] for frame in frames]
    cache, wrong = MapCache(layers=3), []  # one too few, so that indexes are built and evicted all the time
    begin = threading.Barrier(8)

    def work(first: int) -> None:
        begin.wait()
        for n in range(4 * len(points)):
            frame, point = (first + n) % 4, (first * 7 + n // 4) % len(points)
            if cache.containing(frames[frame], points[point]) != expected[frame][point]:
                wrong.append((frame, point))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    figures = cache.stats()
    assert wrong == []
    assert figures["queries"] == 8 * 4 * len(points)
    assert figures["faults"] == figures["disagreements"] == 0


def test_a_forked_child_goes_on_and_counts_from_zero() -> None:
    cache = MapCache()
    frame = geopandas.GeoDataFrame({"geometry": [box(0, 0, 1, 1)]})
    point = Point(0.5, 0.5)
    cache.containing(frame, point)
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with forks.lock:
            held.set()
            forked.wait(0.2)  # a fork waits until the lock is free

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        right = cache.containing(frame, point) == [0]
        figures = cache.stats()
        os._exit(0 if right and (figures["hits"], figures["misses"]) == (1, 0) else 1)
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert (cache.stats()["hits"], cache.stats()["misses"]) == (0, 1)


def state() -> List[Dict[str, Any]]:
    return [dict(vars(each)) for each in (NuPlanMap, AbstractMap, nuplan_map, utils)]


def test_everything_is_undone_and_another_shape_is_refused(installation: Any) -> None:
    switch_off()
    stock = state()
    for _ in range(2):
        with speedups("map_cache") as (installed,):
            assert installed.refused == ""
            changed = [
                name
                for before, now in zip(stock, state())
                for name in now
                if now[name] is not before.get(name)
            ]
            assert sorted(changed) == [
                "__init_subclass__",
                "_get_all_lane_connectors",
                "_get_all_map_objects",
                "_get_proximity_map_object",
                "get_distance_to_nearest_map_object",
                "get_distances_matrix_to_nearest_map_object",
                "is_in_type",
                "is_in_type",
            ]
        assert state() == stock
    for owner, name, changed_to in (
        (utils, "is_in_type", lambda x, y, vector_layer: any(vector_layer.within(Point(x, y)).values)),
        (NuPlanMap, "_get_proximity_map_object", lambda self, patch, layer, sort: []),
        (NuPlanMap, "get_distance_to_nearest_map_object", None),
    ):
        own = getattr(owner, name)
        target = f"{own.__module__}:{own.__qualname__}"
        if changed_to is not None:
            changed_to.__module__, changed_to.__qualname__ = own.__module__, own.__qualname__
            setattr(owner, name, changed_to)
        else:
            delattr(owner, name)
        try:
            before = state()
            with speedups("map_cache") as (installed,):
                assert installed.refused, target
                assert state() == before
        finally:
            setattr(owner, name, own)
    assert state() == stock
