"""A small learned planner for the devkit, built as public ones are: feature builder, torch model, trajectory.

Its weights are random, with a seed. It changes a drive at constant speed by less than a metre, so that it
stays on the road. Like most public planners it calls the model's ``forward`` itself, past the hooks of torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Type

import numpy as np
import numpy.typing as npt
import torch
from nuplan.common.maps.maps_datatypes import SemanticMapLayer
from nuplan.planning.simulation.observation.observation_type import DetectionsTracks, Observation
from nuplan.planning.simulation.planner.abstract_planner import (
    AbstractPlanner,
    PlannerInitialization,
    PlannerInput,
)
from nuplan.planning.simulation.planner.ml_planner.transform_utils import transform_predictions_to_states
from nuplan.planning.simulation.trajectory.abstract_trajectory import AbstractTrajectory
from nuplan.planning.simulation.trajectory.interpolated_trajectory import InterpolatedTrajectory
from nuplan.planning.simulation.trajectory.trajectory_sampling import TrajectorySampling
from nuplan.planning.training.modeling.torch_module_wrapper import TorchModuleWrapper
from nuplan.planning.training.preprocessing.feature_builders.abstract_feature_builder import (
    AbstractFeatureBuilder,
)
from nuplan.planning.training.preprocessing.features.abstract_model_feature import AbstractModelFeature
from torch import Tensor, nn

SAMPLING = TrajectorySampling(num_poses=16, time_horizon=8.0)
AGENTS = 12
LANES = 8
POINTS = 20  # of a lane's centre line
RADIUS = 50.0  # metres


@dataclass
class Scene(AbstractModelFeature):
    """What the model sees: the speed of ego, agents (x, y, heading, vx, vy) and lanes (x, y), around ego."""

    speed: Any
    agents: Any
    lanes: Any

    def _each(self, change: Any) -> Scene:
        return Scene(change(self.speed), change(self.agents), change(self.lanes))

    def to_feature_tensor(self) -> Scene:
        """Arrays as tensors, with a dimension for the batch."""
        return self._each(lambda array: torch.from_numpy(array)[None])

    def to_device(self, device: torch.device) -> Scene:
        """The same on a device."""
        return self._each(lambda tensor: tensor.to(device))

    @classmethod
    def deserialize(cls, data: Dict[str, Any]) -> Scene:
        """A scene from its fields."""
        return cls(**data)

    def unpack(self) -> List[AbstractModelFeature]:
        """The scenes of a batch."""
        return [Scene(*each) for each in zip(self.speed, self.agents, self.lanes)]


class SceneBuilder(AbstractFeatureBuilder):
    """Builds a :class:`Scene` from what a planner is given."""

    @classmethod
    def get_feature_type(cls) -> Type[AbstractModelFeature]:
        """What it builds."""
        return Scene

    @classmethod
    def get_feature_unique_name(cls) -> str:
        """The key of the feature."""
        return "scene"

    def get_features_from_scenario(self, scenario: Any) -> AbstractModelFeature:
        """Training is not tested."""
        raise NotImplementedError

    def get_features_from_simulation(
        self, current_input: PlannerInput, initialization: PlannerInitialization
    ) -> AbstractModelFeature:
        """The present scene, around the rear axle."""
        ego, observation = current_input.history.current_state
        axle = ego.rear_axle
        agents = np.zeros((AGENTS, 5), dtype=np.float32)
        objects = sorted(
            observation.tracked_objects.get_agents(),
            key=lambda agent: float(np.hypot(agent.center.x - axle.x, agent.center.y - axle.y)),
        )
        for row, agent in zip(agents, objects):
            row[:3] = agent.center.x, agent.center.y, agent.center.heading - axle.heading
            row[3:] = agent.velocity.x, agent.velocity.y
            row[:2] = _around(row[None, :2] - np.array([[axle.x, axle.y]]), axle.heading)
        lanes = np.zeros((LANES, POINTS, 2), dtype=np.float32)
        layer = SemanticMapLayer.LANE
        near = initialization.map_api.get_proximal_map_objects(axle.point, RADIUS, [layer])[layer]
        for points, lane in zip(lanes, sorted(near, key=lambda lane: str(lane.id))):
            path = np.array([[state.x, state.y] for state in lane.baseline_path.discrete_path])
            chosen = path[np.linspace(0, len(path) - 1, POINTS).astype(int)]
            points[:] = _around(chosen - np.array([[axle.x, axle.y]]), axle.heading)
        speed = np.array([ego.dynamic_car_state.speed], dtype=np.float32)
        return Scene(speed, agents, lanes)


def _around(points: npt.NDArray[Any], heading: float) -> npt.NDArray[Any]:
    cos, sin = np.cos(heading), np.sin(heading)
    return points @ np.array([[cos, -sin], [sin, cos]])


class PointNet(nn.Module):
    """A set of points becomes one vector."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, points: Tensor) -> Tensor:
        """``(..., points, channels)`` to ``(..., width)``."""
        return self.each(points).max(dim=-2)[0]


class SceneModel(TorchModuleWrapper):
    """Agents and lanes attend to each other, and ego's token becomes a trajectory."""

    def __init__(self, width: int = 32) -> None:
        torch.manual_seed(0)
        super().__init__(SAMPLING, [SceneBuilder()], [])
        self.agent = nn.Linear(5, width)
        self.lane = PointNet(2, width)
        self.ego = nn.Linear(1, width)
        self.layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=64, dropout=0.0)
        self.decode = nn.Linear(width, SAMPLING.num_poses * 3)
        self.register_buffer("times", torch.arange(1, SAMPLING.num_poses + 1) * SAMPLING.step_time)

    def forward(self, features: Dict[str, Any]) -> Dict[str, Tensor]:
        """Poses (x, y, heading) relative to ego, one each half second."""
        scene = features["scene"]
        tokens = torch.cat(
            [self.ego(scene.speed)[:, None], self.agent(scene.agents), self.lane(scene.lanes)], dim=1
        )
        seen = self.layer(tokens.transpose(0, 1))[0]
        change = torch.tanh(self.decode(seen)).reshape(-1, SAMPLING.num_poses, 3)
        ahead = scene.speed[:, None] * self.times[None, :, None]
        straight = torch.cat([ahead, torch.zeros_like(ahead), torch.zeros_like(ahead)], dim=-1)
        return {"poses": straight + change * torch.tensor([0.5, 0.2, 0.02])}


class LearnedPlanner(AbstractPlanner):
    """Plans with a :class:`SceneModel`."""

    def __init__(self) -> None:
        self._model = SceneModel()
        self._builder = self._model.get_list_of_required_feature()[0]

    def initialize(self, initialization: PlannerInitialization) -> None:
        """Before a simulation."""
        self._model.eval()
        self._initialization = initialization

    def name(self) -> str:
        """For logs."""
        return "learned"

    def observation_type(self) -> Type[Observation]:
        """What it wants to see."""
        return DetectionsTracks  # type: ignore

    def compute_planner_trajectory(self, current_input: PlannerInput) -> AbstractTrajectory:
        """Features, model, trajectory."""
        scene = self._builder.get_features_from_simulation(current_input, self._initialization)
        with torch.no_grad():
            out = self._model.forward({"scene": scene.to_feature_tensor()})
        poses = out["poses"][0].numpy()
        states = transform_predictions_to_states(
            poses, current_input.history.ego_states, SAMPLING.time_horizon, SAMPLING.step_time
        )
        return InterpolatedTrajectory(states)
