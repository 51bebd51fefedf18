"""What the map cache brings per question, on the devkit's map of a synthetic road.

    python tests/benchmarks/map_queries.py [--blocks 1500] [--rounds 7]

For the devkit's interpreter. A map is asked at the same random places in turns, in the devkit's way and
through the cache; microseconds of CPU a question, best round of each, and the ratio. Fails (exit code 1)
if a question through the cache takes longer. 1,500 blocks are 4,500 lanes; `nutrace synth` writes 20 for
a log of 27 s, where a scan takes no longer than an index for the simplest question.
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

#: What the devkit's vector map features ask a map for.
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

#: name -> the question, and how many places are asked in a round
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
    began = time.thread_time_ns()
    for place in places:
        question(api, place)
    return (time.thread_time_ns() - began) / len(places) / 1000


def main() -> int:
    parser = argparse.ArgumentParser()
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
            cpu_us(question, api, asked)  # makes the objects, the index, and the comparison
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
