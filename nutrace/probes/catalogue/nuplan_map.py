"""The map: its API, the loading of its layers, geometry of its objects."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe

_ABSTRACT_MAP = "nuplan.common.maps.abstract_map:AbstractMap"
_MAPS_DB = "nuplan.database.maps_db.imapsdb:IMapsDB"
_NUPLAN_MAP = "nuplan.common.maps.nuplan_map.nuplan_map:NuPlanMap"
_OBJECTS = "nuplan.common.maps.abstract_map_objects"

_API = (
    "get_all_map_objects",
    "get_one_map_object",
    "get_proximal_map_objects",
    "is_in_layer",
    "get_distance_to_nearest_map_object",
    "get_distance_to_nearest_raster_layer",
    "get_distances_matrix_to_nearest_map_object",
    "get_raster_map_layer",
    "get_raster_map",
    "initialize_all_layers",
)

API = tuple(
    devkit_probe(f"{_ABSTRACT_MAP}.{method}", "map", f"map.{method}", "normal", subclasses=True)
    for method in _API
)

LOADING = tuple(
    devkit_probe(f"{_MAPS_DB}.{method}", "map", name, "coarse", subclasses=True)
    for method, name in (("load_vector_layer", "map.load_layer"), ("load_layer", "map.load_raster_layer"))
)

# NuPlanMap keeps the objects that it has made, so these run once for each object.
_OBJECT_BUILDERS = (
    "lane",
    "lane_connector",
    "roadblock",
    "roadblock_connector",
    "stop_line",
    "crosswalk",
    "intersection",
    "walkway",
    "carpark_area",
)

OBJECTS = tuple(
    devkit_probe(f"{_NUPLAN_MAP}._get_{kind}", "map", f"map.build_{kind}", "normal")
    for kind in _OBJECT_BUILDERS
)

FINE = tuple(
    devkit_probe(target, "map", name, "fine", subclasses)
    for target, name, subclasses in (
        # A lookup in two dictionaries (0 / 4, hundreds in planners that search the lane graph), except for
        # the first of an object, which is map.build_*.
        (f"{_ABSTRACT_MAP}.get_map_object", "map.get_map_object", True),
        # A lookup in a dictionary, except for the first of a layer, which is map.load_layer.
        (f"{_NUPLAN_MAP}._load_vector_map_layer", "map.get_vector_layer", False),
        (
            f"{_OBJECTS}:PolylineMapObject.get_nearest_arc_length_from_position",
            "map.get_nearest_arc_length",
            True,
        ),
        (f"{_OBJECTS}:PolylineMapObject.get_nearest_pose_from_position", "map.get_nearest_pose", True),
        (f"{_OBJECTS}:PolygonMapObject.contains_point", "map.contains_point", True),
    )
)

PROBES = API + LOADING + OBJECTS + FINE
