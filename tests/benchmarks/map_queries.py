"""Measure what the map cache saves per query, on the devkit's map of a synthetic road.

    python tests/benchmarks/map_queries.py [--blocks 1500] [--rounds 7]

Run it with the devkit's interpreter. Each query is made at the same random places by the devkit's own code
and through the cache, in turns. Prints the CPU time of a query in microseconds, for the best round of each,
and the ratio. The exit code is 1 if a query through the cache takes longer. 1,500 blocks have 4,500 lanes;
for a log of 27 s `nutrace synth` writes 20 blocks, where for the simplest query a scan is as fast as an
index.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Tuple

from nuplan.common.actor_state.state_representation import Point2D
from nuplan.common.maps.maps_datatypes import SemanticMapLayer
from nuplan.common.maps.nuplan_map.map_factory import get_maps_api

from nutrace.speedups.active import speedups
from nutrace.synthetic import road
from nutrace.synthetic.maps import write_maps

#: The layers that the devkit's vector map features query.
PROXIMAL = [
    SemanticMapLayer.LANE,
    SemanticMapLayer.LANE_CONNECTOR,
    SemanticMapLayer.ROADBLOCK,
    SemanticMapLayer.ROADBLOCK_CONNECTOR,
    SemanticMapLayer.STOP_LINE,
    SemanticMapLayer.CROSSWALK,
]
LANE, AREA, STOP = SemanticMapLayer.LANE, SemanticMapLayer.DRIVABLE_AREA, SemanticMapLayer.STOP_LINE
CONNECTOR = SemanticMapLayer.LANE_CONNECTOR

#: The query, and at how many places it is made in a round, by name.
QUESTIONS: Dict[str, Tuple[Callable[[Any, Any], Any], int]] = {
    "is_in_layer LANE": (lambda api, at: api.is_in_layer(at, LANE), 100),
    "is_in_layer DRIVABLE_AREA": (lambda api, at: api.is_in_layer(at, AREA), 100),
    "get_all_map_objects LANE": (lambda api, at: api.get_all_map_objects(at, LANE), 100),
    "get_all_map_objects LANE_CONNECTOR": (lambda api, at: api.get_all_map_objects(at, CONNECTOR), 100),
    "get_proximal_map_objects 50 m, 6 layers": (
        lambda api, at: api.get_proximal_map_objects(at, 50.0, PROXIMAL),
        40,
    ),
    "get_distance_to_nearest STOP_LINE": (
        lambda api, at: api.get_distance_to_nearest_map_object(at, STOP),
        4,
    ),
    "get_distance_to_nearest DRIVABLE_AREA": (
        lambda api, at: api.get_distance_to_nearest_map_object(at, AREA),
        2,
    ),
    "get_distances_matrix DRIVABLE_AREA, 4 points": (
        lambda api, at: api.get_distances_matrix_to_nearest_map_object([at] * 4, AREA),
        1,
    ),
}


def cpu_us(question: Callable[[Any, Any], Any], api: Any, places: List[Any]) -> float:
    """Return the CPU time of a query, in microseconds."""
    began = time.thread_time_ns()
    for place in places:
        question(api, place)
    return (time.thread_time_ns() - began) / len(places) / 1000


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--blocks", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    chance = random.Random(5)
    places = [
        Point2D(*road.to_utm(chance.uniform(0, args.blocks * road.PITCH_M), chance.uniform(-12, 12)))
        for _ in range(100)
    ]
    slower = False
    with tempfile.TemporaryDirectory() as folder, speedups("map_cache") as (installation,):
        write_maps(folder, args.blocks)
        began = time.thread_time_ns()
        api = get_maps_api(folder, road.MAP_FILE, road.MAP_NAME)
        api.initialize_all_layers()
        print(f"layers loaded in {(time.thread_time_ns() - began) / 1e6:.0f} ms of CPU")
        print(f"{'question':46} {'stock us':>10} {'cache us':>10} {'ratio':>6}")
        for name, (question, count) in QUESTIONS.items():
            asked = places[:count]
            cpu_us(
                question, api, asked
            )  # builds the map objects and the index, and compares the index with a scan
            stock, cached = [], []
            for _ in range(args.rounds):
                installation.switch.off()
                stock.append(cpu_us(question, api, asked))
                installation.switch.on()
                cached.append(cpu_us(question, api, asked))
            ratio = min(cached) / min(stock)
            slower |= ratio > 1
            print(f"{name:46} {min(stock):10.1f} {min(cached):10.1f} {ratio:6.2f}")
        figures = installation.part.stats()
    print(
        {
            name: figures[name]
            for name in ("queries", "hits", "builds", "faults", "disagreements", "bytes_held")
        }
    )
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
