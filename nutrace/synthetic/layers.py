"""The layers of the map of the synthetic road, as lists of features."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from nutrace.synthetic import road
from nutrace.synthetic.road import LANE_M, LANE_WIDTH_M, LANES, PITCH_M, Road

_KERB_M = LANES * LANE_WIDTH_M / 2
_BASELINE_STEP_M = 1.0

#: Columns by name, among them ``fid`` and ``geometry``. A list of points is a line, a tuple of points is a
#: polygon; both are in metres of the map's projection.
Feature = Dict[str, Any]
#: Features by the name of their layer.
Layers = Dict[str, List[Feature]]


def map_layers(plan: Road) -> Layers:
    """Return all layers of a road, with the columns that the devkit's map API reads."""
    layers: Layers = {name: [] for name in _LAYERS}
    for block in range(plan.blocks):
        _add_lanes(layers, block)
        _add_crossing(layers, block, plan)
        _add_surroundings(layers, block)
    return layers


_LAYERS = (
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
)


def _add_lanes(layers: Layers, block: int) -> None:
    start, end = block * PITCH_M, block * PITCH_M + LANE_M
    _add_boundaries(layers, block * 2, start, end)
    for lane in range(LANES):
        middle, number = road.lane_offset(lane), road.lane_id(block, lane)
        layers["lanes_polygons"].append(
            {
                "fid": number,
                "lane_fid": number,
                "lane_group_fid": road.group_id(block),
                "lane_index": lane,
                "left_boundary_fid": _boundary_id(block * 2, lane),
                "right_boundary_fid": _boundary_id(block * 2, lane + 1),
                "speed_limit_mps": road.SPEED_LIMIT_MPS,
                "geometry": _strip(start, end, middle, LANE_WIDTH_M),
            }
        )
        _add_baseline(layers, start, end, middle, lane_fid=number)
    whole = _strip(start, end, 0.0, 2 * _KERB_M)
    layers["lane_groups_polygons"].append({"fid": road.group_id(block), "geometry": whole})
    layers["road_segments"].append({"fid": block + 1, "geometry": whole})


def _add_crossing(layers: Layers, block: int, plan: Road) -> None:
    start, end = road.stop_line_s(block), (block + 1) * PITCH_M
    last = block + 1 == plan.blocks
    _add_boundaries(layers, block * 2 + 1, start, end)
    for lane in range(LANES):
        middle, number = road.lane_offset(lane), road.connector_id(block, lane)
        polygon = _strip(start, end, middle, LANE_WIDTH_M)
        if not last:  # a connector leads to the lane of the next block
            layers["lane_connectors"].append(
                {
                    "fid": number,
                    "exit_lane_fid": road.lane_id(block, lane),
                    "entry_lane_fid": road.lane_id(block + 1, lane),
                    "lane_group_connector_fid": road.group_connector_id(block),
                    "traffic_light_stop_line_fids": str(road.stop_line_id(block)),
                    "speed_limit_mps": road.SPEED_LIMIT_MPS,
                    "geometry": _line(start, end, middle, end - start),
                }
            )
            layers["gen_lane_connectors_scaled_width_polygons"].append(
                {
                    "fid": number,
                    "lane_connector_fid": number,
                    "left_boundary_fid": _boundary_id(block * 2 + 1, lane),
                    "right_boundary_fid": _boundary_id(block * 2 + 1, lane + 1),
                    "geometry": polygon,
                }
            )
            _add_baseline(layers, start, end, middle, lane_connector_fid=number)
    if not last:
        layers["lane_group_connectors"].append(
            {
                "fid": road.group_connector_id(block),
                "from_lane_group_fid": road.group_id(block),
                "to_lane_group_fid": road.group_id(block + 1),
                "intersection_fid": road.crossing_id(block),
                "geometry": _strip(start, end, 0.0, 2 * _KERB_M),
            }
        )
    # The crossing street ends at its stop lines.
    layers["intersections"].append(
        {
            "fid": road.crossing_id(block),
            "geometry": _strip(start, end, 0.0, 2 * _KERB_M + 12.0),
        }
    )
    layers["stop_polygons"].append(
        {
            "fid": road.stop_line_id(block),
            "stop_polygon_type_fid": 2,  # a traffic light, in the devkit's StopLineType
            "geometry": _strip(start - 1.0, start + 0.5, 0.0, 2 * _KERB_M),
        }
    )


def _add_surroundings(layers: Layers, block: int) -> None:
    start, end = block * PITCH_M, block * PITCH_M + LANE_M
    for side, number in ((1, 2 * block + 1), (-1, 2 * block + 2)):
        pavement = _strip(start, end, side * (_KERB_M + 4.6), 3.2)
        layers["walkways"].append({"fid": number, "geometry": pavement})
        shoulder = _strip(start, end, side * (_KERB_M + 1.5), 3.0)
        layers["generic_drivable_areas"].append({"fid": number, "geometry": shoulder})
    zebra = _strip(end + 2.0, end + 5.0, 0.0, 2 * _KERB_M + 12.0)
    layers["crosswalks"].append({"fid": block + 1, "geometry": zebra})
    car_park = _strip(start + 30.0, start + 60.0, -(_KERB_M + 20.0), 24.0)
    layers["carpark_areas"].append({"fid": block + 1, "geometry": car_park})


def _boundary_id(stretch: int, line: int) -> int:
    return stretch * (LANES + 1) + line + 1


def _add_boundaries(layers: Layers, stretch: int, start: float, end: float) -> None:
    for line in range(LANES + 1):
        offset = _KERB_M - line * LANE_WIDTH_M
        geometry = _line(start, end, offset, 4.0)
        layers["boundaries"].append({"fid": _boundary_id(stretch, line), "geometry": geometry})


def _add_baseline(layers: Layers, start: float, end: float, middle: float, **owner: int) -> None:
    feature: Feature = {
        "fid": len(layers["baseline_paths"]) + 1,
        "lane_fid": None,
        "lane_connector_fid": None,
    }
    feature.update(owner, geometry=_line(start, end, middle, _BASELINE_STEP_M))
    layers["baseline_paths"].append(feature)


def _line(start: float, end: float, offset: float, step: float) -> List[Tuple[float, float]]:
    count = max(1, round((end - start) / step))
    return [road.to_utm(start + (end - start) * n / count, offset) for n in range(count + 1)]


def _strip(start: float, end: float, middle: float, width: float) -> Tuple[Tuple[float, float], ...]:
    left, right = middle + width / 2, middle - width / 2
    return tuple(road.to_utm(s, d) for s, d in ((start, right), (end, right), (end, left), (start, left)))
