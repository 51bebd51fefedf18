"""Write maps: the synthetic road as GeoPackages, in the folders where the devkit looks for them."""

from __future__ import annotations

import importlib
import json
import os
import sqlite3
from typing import Any, Sequence, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.extras import install
from nutrace.synthetic import road
from nutrace.synthetic.layers import Layers, map_layers
from nutrace.synthetic.road import Road

# The devkit opens all four maps when it opens one. Only the first one has the whole road.
LOCATIONS = {
    road.MAP_NAME: "9.15.1915",
    "sg-one-north": "9.17.1964",
    "us-ma-boston": "9.12.1817",
    "us-pa-pittsburgh-hazelwood": "9.17.1937",
}
_FEW_BLOCKS = 2  # with one block, layers without features would have columns without a type
_WRITTEN = "2021-10-01T12:00:00.000Z"  # a constant, so that equal maps are equal files


def require_map_packages() -> None:
    """Check that the packages for writing maps are installed.

    Raises
    ------
    MissingDependencyError
        If geopandas or pyogrio cannot be imported.
    """
    for package in ("geopandas", "pyogrio"):
        try:
            __import__(package)
        except ImportError:
            raise MissingDependencyError(
                f"writing maps needs {package}: {install('maps')}, or leave them out with --no-maps"
            ) from None


def write_maps(directory: str, blocks: int) -> None:
    """Write ``nuplan-maps-v1.0.json`` and a map for each of the four locations.

    Raises
    ------
    MissingDependencyError
        If geopandas or pyogrio is not installed.
    OSError, RuntimeError, sqlite3.Error
        If a file cannot be written.
    """
    require_map_packages()
    metadata = {location: {"version": version, "layers": {}} for location, version in LOCATIONS.items()}
    with open(os.path.join(directory, f"{road.MAP_FILE}.json"), "w", encoding="utf-8") as file:
        json.dump(metadata, file, indent=2)
    for location, version in LOCATIONS.items():
        folder = os.path.join(directory, location, version)
        os.makedirs(folder)
        size = blocks if location == road.MAP_NAME else _FEW_BLOCKS
        _write_geopackage(os.path.join(folder, "map.gpkg"), map_layers(Road(size)))


def _write_geopackage(path: str, layers: Layers) -> None:
    # Imported by name, because they are an extra and have no types.
    geopandas = importlib.import_module("geopandas")
    pyogrio = importlib.import_module("pyogrio")
    shapes = importlib.import_module("shapely.geometry")

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN})
    try:
        for name, features in layers.items():
            frame = geopandas.GeoDataFrame(
                [{**feature, "geometry": _shape(shapes, feature["geometry"])} for feature in features],
                geometry="geometry",
                crs=road.EPSG,
            )
            # In longitude and latitude, like the real maps. GDAL makes the column fid the feature id.
            pyogrio.write_dataframe(frame.to_crs(4326), path, layer=name, driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
            connection.execute("INSERT INTO meta VALUES ('projectedCoordSystem', ?)", (f"EPSG:{road.EPSG}",))
            connection.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)"
                " VALUES ('meta', 'attributes', 'meta', ?)",
                (_WRITTEN,),
            )
    finally:
        connection.close()


def _shape(shapes: Any, points: Sequence[Tuple[float, float]]) -> Any:
    return shapes.LineString(points) if isinstance(points, list) else shapes.Polygon(points)
