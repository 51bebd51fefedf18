"""The map files that GDAL writes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from nutrace.synthetic.layers import map_layers
from nutrace.synthetic.maps import LOCATIONS, write_maps
from nutrace.synthetic.road import EPSG, MAP_NAME, Road

pytest.importorskip("geopandas")
pytest.importorskip("pyogrio")

BLOCKS = 5


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("maps")
    write_maps(str(directory), BLOCKS)
    return directory


def test_every_location_has_its_file_where_the_index_says(maps: Path) -> None:
    index = json.loads((maps / "nuplan-maps-v1.0.json").read_text())
    assert set(index) == set(LOCATIONS)
    for location, entry in index.items():
        assert (maps / location / entry["version"] / "map.gpkg").exists()


def test_features_keep_their_identifiers(maps: Path) -> None:
    connection = sqlite3.connect(maps / MAP_NAME / LOCATIONS[MAP_NAME] / "map.gpkg")
    try:
        for name, features in map_layers(Road(BLOCKS)).items():
            written = [fid for (fid,) in connection.execute(f"SELECT fid FROM {name} ORDER BY fid")]
            assert written == sorted(feature["fid"] for feature in features)
        meta = connection.execute("SELECT value FROM meta WHERE key = 'projectedCoordSystem'").fetchall()
        assert meta == [(f"EPSG:{EPSG}",)]
    finally:
        connection.close()


def test_equal_roads_give_equal_files(maps: Path, tmp_path: Path) -> None:
    write_maps(str(tmp_path), BLOCKS)
    for file in maps.rglob("*.gpkg"):
        assert (tmp_path / file.relative_to(maps)).read_bytes() == file.read_bytes()
