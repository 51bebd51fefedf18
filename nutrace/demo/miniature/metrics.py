"""Metrics: numbers that judge a run, and the engine that computes and writes them."""

from __future__ import annotations

import json
import math
import os
from typing import Any, Dict, List, Sequence

from nutrace.demo.miniature.history import History
from nutrace.demo.miniature.scenario import AbstractScenario


class AbstractMetric:
    """A number about a run, and whether it passes a threshold."""

    name = ""

    def __init__(self, options: Dict[str, Any]) -> None:
        self.options = options

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        """Return the number."""
        raise NotImplementedError

    def passes(self, value: float) -> bool:
        """Whether the number passes."""
        return bool(value <= self.options["threshold"])


class Comfort(AbstractMetric):
    """The greatest acceleration, in m/s^2."""

    name = "comfort"

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        return max(abs(sample.ego_state.accel) for sample in history.samples)


class Jerk(AbstractMetric):
    """The greatest jerk, in m/s^3, smoothed over half a second."""

    name = "jerk"

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        speeds = [sample.ego_state.speed for sample in history.samples]
        dt = scenario.database_interval
        slopes = [(b - a) / dt for a, b in zip(_smooth(speeds), _smooth(speeds)[1:])]
        return max((abs(b - a) / dt for a, b in zip(_smooth(slopes), _smooth(slopes)[1:])), default=0.0)


class Progress(AbstractMetric):
    """The distance driven, as a share of the distance that the human driver drove."""

    name = "progress"

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        driven = _length([(sample.ego_state.x, sample.ego_state.y) for sample in history.samples])
        expert = _length([(state.x, state.y) for state in scenario.get_expert_ego_trajectory()])
        return driven / max(expert, 1e-6)

    def passes(self, value: float) -> bool:
        return bool(value >= self.options["threshold"])


class ExpertDistance(AbstractMetric):
    """The mean distance from the human driver's position, in metres."""

    name = "expert_distance"

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        pairs = list(zip(history.samples, scenario.get_expert_ego_trajectory()))
        apart = [math.hypot(s.ego_state.x - e.x, s.ego_state.y - e.y) for s, e in pairs]
        return sum(apart) / len(apart)


class Clearance(AbstractMetric):
    """The smallest distance from the ego vehicle's centre to a corner of another object, in metres."""

    name = "clearance"

    def compute(self, history: History, scenario: AbstractScenario) -> float:
        nearest = math.inf
        for sample in history.samples:
            ego = sample.ego_state
            for other in sample.observation:
                for x, y in other.corners():
                    nearest = min(nearest, math.hypot(x - ego.x, y - ego.y))
        return nearest

    def passes(self, value: float) -> bool:
        return bool(value >= self.options["threshold"])


class MetricsEngine:
    """Computes metrics and writes them."""

    def __init__(self, options: Dict[str, Any], directory: str) -> None:
        kinds = {kind.name: kind for kind in (Comfort, Jerk, Progress, ExpertDistance, Clearance)}
        self.metrics: List[AbstractMetric] = [kinds[name](option) for name, option in options.items()]
        self.directory = directory

    def compute(self, history: History, scenario: AbstractScenario) -> Dict[str, Any]:
        """Compute all metrics of a run."""
        results = {}
        for metric in self.metrics:
            value = metric.compute(history, scenario)
            results[metric.name] = {"value": value, "passes": metric.passes(value)}
        return results

    def write_to_files(self, results: Dict[str, Any], name: str) -> None:
        """Write a scenario's results as JSON."""
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


def _smooth(values: Sequence[float]) -> List[float]:
    windows = [values[max(0, i - 2) : i + 3] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def _length(points: Sequence[Any]) -> float:
    return sum(math.hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in zip(points, points[1:]))
