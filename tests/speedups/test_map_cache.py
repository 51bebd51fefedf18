"""The map cache: what needs no map here; the devkit's maps in the devkit's interpreter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from devkit import devkit_environment, needs_devkit, run_python

from nutrace import semconv
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.errors import SettingsError
from nutrace.speedups.known_code import KnownFunction
from nutrace.speedups.map_cache import MapCache, Options, build
from nutrace.speedups.map_cache.part import IN_TYPE
from nutrace.speedups.speedup import Misfit
from nutrace.trace import load

_TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("layers", [0, -1, float("nan")])
@pytest.mark.parametrize("make", [Options, MapCache])
def test_a_bound_below_one_is_refused(make: Any, layers: float) -> None:
    with pytest.raises(SettingsError, match=r"map_cache: layers is .*, and must be at least 1"):
        make(layers)


def test_it_is_made_without_a_map_and_without_what_reads_maps() -> None:
    before = set(sys.modules)
    part = build(Options(layers=3))
    assert {each.target.partition(":")[0] for each in part.replacements} == {
        "nuplan.common.maps.abstract_map",
        "nuplan.common.maps.nuplan_map.nuplan_map",
        "nuplan.common.maps.nuplan_map.utils",
    }
    assert not {"numpy", "pandas", "shapely", "geopandas"} & (set(sys.modules) - before)
    assert set(part.stats().values()) == {0}


def looks(x: float, y: float, vector_layer: Any) -> bool:
    """As the one that is known."""
    return any(vector_layer.contains(looks.geom.Point(x, y)).values)  # type: ignore[attr-defined]


def looks_elsewhere(x: float, y: float, vector_layer: Any) -> bool:
    return any(vector_layer.covers(looks.geom.Point(x, y)).values)  # type: ignore[attr-defined]


def takes_more(x: float, y: float, vector_layer: Any, margin: float = 0.0) -> bool:
    return looks(x, y, vector_layer)


def test_only_the_function_that_is_known_fits() -> None:
    known = IN_TYPE.known
    known = KnownFunction(known.parameters, known.words | {"looks"}, known.does)
    known.check(looks)
    with pytest.raises(Misfit, match="looks_elsewhere asks a layer in another way"):
        known.check(looks_elsewhere)
    with pytest.raises(Misfit, match="takes_more takes other arguments than"):
        known.check(takes_more)


@needs_devkit
@pytest.mark.xdist_group("devkit-speedups")
class TestOnTheDevkit:
    """One process for all that compares, and one that is traced."""

    def test_answers_are_equal(self, devkit_data: Path, tmp_path: Path) -> None:
        settings = tmp_path / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        environ = devkit_environment(
            NUPLAN_MAPS_ROOT=str(devkit_data / "dataset" / "maps"), OMP_NUM_THREADS="1"
        )
        command = ["-m", "pytest", "-q", "-c", str(settings), "--noconftest", "-p", "no:cacheprovider"]
        done = run_python([*command, str(_TESTS / "devkit_maps.py")], environ, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

    def test_spans_say_what_was_scanned(self, devkit_data: Path, tmp_path: Path) -> None:
        environ = devkit_environment(
            NUTRACE="1",
            NUTRACE_SUMMARY="0",
            NUTRACE_OUTPUT=str(tmp_path / "run.json"),
            NUTRACE_SPEEDUPS="map_cache",
            NUTRACE_COMPRESS_US="1000000",  # on a busy machine as well
        )
        done = run_python(["-c", _ASKING, str(devkit_data / "dataset" / "maps")], environ, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "[True, True, True, False] 1 1 1\n"), done.stderr
        trace = load(tmp_path / "run.json")
        (cache,) = installed_speedups(trace).speedups
        assert (cache.at_work, cache.refused) == (1, ())
        assert (cache.figures["hits"], cache.figures["misses"], cache.figures["builds"]) == (5, 2, 2)
        hits = {
            name: [
                trace.attributes(span).get(semconv.CACHE_HIT)
                for span in range(len(trace))
                if trace.name[span] == name
            ]
            for name in ("map.is_in_layer", "map.get_all_map_objects", "map.get_proximal_map_objects")
        }
        # Those that an index answers are one composite span.
        assert hits["map.is_in_layer"] == [False, None]
        assert hits["map.get_all_map_objects"] == [None]
        assert hits["map.get_proximal_map_objects"] == [False, None]


_ASKING = f"""
exec(open({str(_TESTS.parent / "nutrace_autostart.pth")!r}).read())
import sys
from nuplan.common.actor_state.state_representation import Point2D
from nuplan.common.maps.maps_datatypes import SemanticMapLayer
from nuplan.common.maps.nuplan_map.map_factory import get_maps_api
from nutrace.synthetic import road

api = get_maps_api(sys.argv[1], road.MAP_FILE, road.MAP_NAME)
lane, crossing = SemanticMapLayer.LANE, SemanticMapLayer.INTERSECTION
at, beside = Point2D(*road.to_utm(50.0, 0.0)), Point2D(*road.to_utm(50.0, 50.0))
inside = [api.is_in_layer(point, lane) for point in (at, at, at, beside)]
objects = len(api.get_all_map_objects(at, lane))
print(inside, objects, *(len(api.get_proximal_map_objects(at, 60.0, [crossing])[crossing]) for _ in range(2)))
"""
