"""navsim (autonomousvision/navsim): agents, what their plan is scored with, and the caching of metrics.

A step of navsim is a token: one frame for which an agent plans once. Its script has no function for a token.
It takes the token's metric cache first and scores the plan last, and a step lies between these two.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, Mapping, Tuple

from nutrace.probes.probe import Probe
from nutrace.semconv import SCENARIO_TOKEN, STEP_SPAN

_LOADER = "navsim.common.dataloader"
_AGENT = "navsim.agents.abstract_agent:AbstractAgent"
_TRAINING = "navsim.planning.training.abstract_feature_target_builder"
_PDM = "navsim.planning.simulation.planner.pdm_planner"
_SCORER = f"{_PDM}.scoring.pdm_scorer:PDMScorer"
_TRANSFUSER = "navsim.agents.transfuser"
_CACHING = "navsim.planning.metric_caching.metric_cache_processor:MetricCacheProcessor"


def _note_token(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """The token of ``MetricCacheLoader.get_from_token(self, token)``."""
    return {SCENARIO_TOKEN: args[0] if args else kwargs["token"]}


_probe = partial(Probe, distribution="navsim")

# Once a step, if not said otherwise.
STEP = (
    # If an agent fails, the next token begins without a score: that step counts as unfinished.
    _probe(
        f"{_LOADER}:MetricCacheLoader.get_from_token",
        "simulation",
        STEP_SPAN,
        "coarse",
        until="navsim.evaluate.pdm_score:pdm_score",
        note=_note_token,
    ),
    _probe(
        f"{_LOADER}:SceneLoader.get_agent_input_from_token", "scenario", "navsim.get_agent_input", "coarse"
    ),
    _probe(f"{_LOADER}:SceneLoader.get_scene_from_token", "scenario", "navsim.get_scene", "coarse"),
)

AGENT = (
    _probe(f"{_AGENT}.initialize", "planner", "planner.initialize", "coarse", subclasses=True),
    _probe(f"{_AGENT}.compute_trajectory", "planner", "planner.compute", "coarse", subclasses=True),
    # A span for each of the agent's builders.
    _probe(
        f"{_TRAINING}:AbstractFeatureBuilder.compute_features",
        "features",
        "navsim.compute_features",
        subclasses=True,
    ),
    _probe(f"{_AGENT}.forward", "model", "model.forward", "coarse", subclasses=True),
    _probe(f"{_TRANSFUSER}.transfuser_backbone:TransfuserBackbone.forward", "model", "transfuser.encode"),
    _probe(f"{_TRANSFUSER}.transfuser_model:TrajectoryHead.forward", "model", "transfuser.decode_trajectory"),
    _probe(f"{_TRANSFUSER}.transfuser_model:AgentHead.forward", "model", "transfuser.decode_agents"),
)

# A second time each if human_penalty_filter is on.
SCORING = (
    _probe(
        f"{_PDM}.simulation.pdm_simulator:PDMSimulator.simulate_proposals", "propagate", "navsim.simulate"
    ),
    _probe(
        "navsim.traffic_agents_policies.abstract_traffic_agents_policy:AbstractTrafficAgentsPolicy"
        ".simulate_environment",
        "observation",
        "navsim.simulate_environment",
        subclasses=True,
    ),
    _probe(f"{_SCORER}.score_proposals", "metrics", "navsim.score", subclasses=True),
    _probe(
        f"{_PDM}.observation.pdm_observation:PDMObservation.update_detections_tracks",
        "metrics",
        "navsim.update_detections",
    ),
    _probe(f"{_SCORER}._calculate_ego_area", "metrics", "navsim.score_ego_area"),
    _probe(f"{_SCORER}._calculate_no_at_fault_collision", "metrics", "navsim.score_collisions"),
    _probe(f"{_SCORER}._calculate_drivable_area_compliance", "metrics", "navsim.score_drivable_area"),
    _probe(f"{_SCORER}._calculate_traffic_light_compliance", "metrics", "navsim.score_traffic_lights"),
    _probe(f"{_SCORER}._calculate_driving_direction_compliance", "metrics", "navsim.score_driving_direction"),
    _probe(f"{_SCORER}._calculate_progress", "metrics", "navsim.score_progress"),
    _probe(f"{_SCORER}._calculate_ttc", "metrics", "navsim.score_time_to_collision"),
    _probe(f"{_SCORER}._calculate_lane_keeping", "metrics", "navsim.score_lane_keeping"),
    _probe(f"{_SCORER}._calculate_history_comfort", "metrics", "navsim.score_comfort"),
)

# run_metric_caching: once a token, outside of steps. It plans with navsim's copy of PDM-Closed.
CACHING = (
    _probe(f"{_CACHING}.compute_and_save_metric_cache", "metrics", "navsim.cache_metrics", "coarse"),
    _probe(f"{_CACHING}._interpolate_gt_observation", "metrics", "navsim.interpolate_observation"),
    _probe(f"{_CACHING}._build_pdm_observation", "metrics", "navsim.build_observation"),
    _probe(
        f"{_PDM}.proposal.pdm_generator:PDMGenerator.generate_proposals",
        "planner",
        "navsim.generate_proposals",
    ),
    _probe(
        f"{_PDM}.observation.pdm_observation:PDMObservation.update", "planner", "navsim.update_observation"
    ),
)

PROBES = STEP + AGENT + SCORING + CACHING
