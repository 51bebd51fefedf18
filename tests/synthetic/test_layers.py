"""The layers of the map are consistent with each other."""

from __future__ import annotations

import pytest

from nutrace.synthetic.layers import Layers, map_layers
from nutrace.synthetic.road import Road

# The layers that the devkit loads.
LAYERS = {
    "lanes_polygons",
    "lane_groups_polygons",
    "intersections",
    "stop_polygons",
    "crosswalks",
    "lane_connectors",
    "lane_group_connectors",
    "baseline_paths",
    "boundaries",
    "walkways",
    "carpark_areas",
    "road_segments",
    "generic_drivable_areas",
    "gen_lane_connectors_scaled_width_polygons",
}


@pytest.fixture(scope="module")
def layers() -> Layers:
    return map_layers(Road(4))


def test_all_layers_are_there_and_filled(layers: Layers) -> None:
    assert set(layers) == LAYERS
    assert all(layers.values())


def test_identifiers_are_unique(layers: Layers) -> None:
    for name, features in layers.items():
        fids = [feature["fid"] for feature in features]
        assert len(set(fids)) == len(fids), name
    # The devkit looks for a connector only if there is no lane, or roadblock, with the identifier.
    for one, other in (
        ("lanes_polygons", "lane_connectors"),
        ("lane_groups_polygons", "lane_group_connectors"),
    ):
        assert not {f["fid"] for f in layers[one]} & {f["fid"] for f in layers[other]}


@pytest.mark.parametrize(
    ("layer", "column", "target"),
    [
        ("lanes_polygons", "lane_group_fid", "lane_groups_polygons"),
        ("lanes_polygons", "left_boundary_fid", "boundaries"),
        ("lanes_polygons", "right_boundary_fid", "boundaries"),
        ("lane_connectors", "exit_lane_fid", "lanes_polygons"),
        ("lane_connectors", "entry_lane_fid", "lanes_polygons"),
        ("lane_connectors", "lane_group_connector_fid", "lane_group_connectors"),
        ("lane_group_connectors", "from_lane_group_fid", "lane_groups_polygons"),
        ("lane_group_connectors", "to_lane_group_fid", "lane_groups_polygons"),
        ("lane_group_connectors", "intersection_fid", "intersections"),
        ("gen_lane_connectors_scaled_width_polygons", "lane_connector_fid", "lane_connectors"),
        ("gen_lane_connectors_scaled_width_polygons", "left_boundary_fid", "boundaries"),
        ("baseline_paths", "lane_fid", "lanes_polygons"),
        ("baseline_paths", "lane_connector_fid", "lane_connectors"),
    ],
)
def test_references_lead_somewhere(layers: Layers, layer: str, column: str, target: str) -> None:
    known = {feature["fid"] for feature in layers[target]}
    named = {feature[column] for feature in layers[layer]} - {None}
    assert named
    assert named <= known


def test_connectors_join_their_lanes(layers: Layers) -> None:
    paths = {
        path["lane_fid"] or path["lane_connector_fid"]: path["geometry"] for path in layers["baseline_paths"]
    }
    stop_lines = {str(stop["fid"]) for stop in layers["stop_polygons"]}
    for connector in layers["lane_connectors"]:
        line = paths[connector["fid"]]
        assert line[0] == pytest.approx(paths[connector["exit_lane_fid"]][-1])
        assert line[-1] == pytest.approx(paths[connector["entry_lane_fid"]][0])
        assert connector["traffic_light_stop_line_fids"] in stop_lines
