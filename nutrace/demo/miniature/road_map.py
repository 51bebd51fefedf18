"""The map: lanes and connectors of the synthetic road. A layer is loaded when it is first needed."""

from __future__ import annotations

import math
from typing import Dict, List, Sequence, Tuple

from nutrace.demo.miniature.state import Point
from nutrace.synthetic.layers import Feature, map_layers
from nutrace.synthetic.road import Road

_STRIDE = 8
_LANES, _CONNECTORS = "lanes_polygons", "gen_lane_connectors_scaled_width_polygons"


class Polyline:
    """A line of points, and the distance of each along the line, in metres."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = list(points)
        self.lengths = [0.0]
        for (x1, y1), (x2, y2) in zip(self.points, self.points[1:]):
            self.lengths.append(self.lengths[-1] + math.hypot(x2 - x1, y2 - y1))

    def project(self, point: Point) -> Tuple[float, float]:
        """Return how far along the line its nearest point is, and the offset from it (left is positive)."""
        px, py = point
        nearest, along, offset = math.inf, 0.0, 0.0
        for index in self._near(point):
            x1, y1 = self.points[index]
            x2, y2 = self.points[index + 1]
            dx, dy = x2 - x1, y2 - y1
            length = self.lengths[index + 1] - self.lengths[index]
            share = min(max(((px - x1) * dx + (py - y1) * dy) / (length * length), 0.0), 1.0)
            distance = math.hypot(px - x1 - share * dx, py - y1 - share * dy)
            if distance < nearest:
                nearest = distance
                along = self.lengths[index] + share * length
                offset = ((py - y1) * dx - (px - x1) * dy) / length
        return along, offset

    def _near(self, point: Point) -> range:
        """Return the segments around the nearest of every eighth point.

        This finds the nearest segment because the lines of this map do not turn back.
        """
        px, py = point
        last = len(self.points) - 1
        nearest = min(
            range(0, last + 1, _STRIDE),
            key=lambda i: (self.points[i][0] - px) ** 2 + (self.points[i][1] - py) ** 2,
        )
        return range(max(0, nearest - _STRIDE), min(last, nearest + _STRIDE))

    def at(self, along: float) -> Tuple[float, float, float]:
        """Return the point and the heading at a distance along the line, clamped to its ends."""
        along = min(max(along, 0.0), self.lengths[-1])
        index = 0
        while index < len(self.points) - 2 and self.lengths[index + 1] < along:
            index += 1
        (x1, y1), (x2, y2) = self.points[index], self.points[index + 1]
        share = (along - self.lengths[index]) / (self.lengths[index + 1] - self.lengths[index])
        return x1 + share * (x2 - x1), y1 + share * (y2 - y1), math.atan2(y2 - y1, x2 - x1)


class RoadMap:
    """The map of a road with a number of blocks."""

    def __init__(self, name: str, blocks: int) -> None:
        self.name = name
        self._road = Road(blocks)
        self._layers: Dict[str, List[Feature]] = {}

    def load_layer(self, name: str) -> List[Feature]:
        """Return a layer's features; the first call builds the layer."""
        if name not in self._layers:
            self._layers[name] = map_layers(self._road)[name]
        return self._layers[name]

    def lanes_of(self, roadblock: int) -> List[int]:
        """Return the lanes of a lane group, or the connectors of a lane group connector."""
        lanes = [lane["fid"] for lane in self.load_layer(_LANES) if lane["lane_group_fid"] == roadblock]
        return lanes or [
            connector["fid"]
            for connector in self.load_layer("lane_connectors")
            if connector["lane_group_connector_fid"] == roadblock
        ]

    def lane_at(self, point: Point, candidates: Sequence[int]) -> int:
        """Return the candidate whose baseline is nearest to a point.

        Raises
        ------
        LookupError
            If there are no candidates.
        """
        if not candidates:
            raise LookupError("no lanes on the route")
        return min(candidates, key=lambda lane: abs(self.baseline(lane).project(point)[1]))

    def baseline(self, lane: int) -> Polyline:
        """Return the centre line of a lane or of a connector.

        Raises
        ------
        LookupError
            If the map has neither of that number.
        """
        for path in self.load_layer("baseline_paths"):
            if lane in (path["lane_fid"], path["lane_connector_fid"]):
                return Polyline(path["geometry"])
        raise LookupError(f"the map has no lane {lane}")

    def connector_polygon(self, connector: int) -> List[Point]:
        """Return the area of a lane connector, or an empty list if the map does not have it."""
        for feature in self.load_layer(_CONNECTORS):
            if feature["lane_connector_fid"] == connector:
                return list(feature["geometry"])
        return []
