"""pluto (jchengai/pluto). Its package is named ``src``, as planTF's is; planTF has none of these modules."""

from __future__ import annotations

from functools import partial

from nutrace.probes.probe import Probe

_PLANNER = "src.planners.pluto_planner:PlutoPlanner"
_MANAGER = "src.scenario_manager.scenario_manager:ScenarioManager"
_BUILDER = "src.feature_builders.pluto_feature_builder:PlutoFeatureBuilder"
_FEATURE = "src.features.pluto_feature:PlutoFeature"
_POST = "src.post_processing"
_EVALUATOR = f"{_POST}.trajectory_evaluator:TrajectoryEvaluator"
_SIMULATION = f"{_POST}.forward_simulation"
_MODEL = "src.models.pluto"

_probe = partial(Probe, distribution="pluto")

# Once a step, if not said otherwise.
PLANNER = (
    _probe("src.planners.ml_planner_utils:load_checkpoint", "model", "pluto.load_checkpoint"),
    _probe(f"{_PLANNER}._run_planning_once", "planner", "pluto.plan"),
    _probe(f"{_PLANNER}._trim_candidates", "planner", "pluto.trim_candidates"),
    _probe(f"{_PLANNER}._get_agent_info", "planner", "pluto.get_agent_info"),
    _probe(f"{_PLANNER}._get_ego_baseline_path", "planner", "pluto.get_baseline_path"),
    _probe("src.planners.ml_planner_utils:global_trajectory_to_states", "planner", "pluto.get_states"),
    # Off by default, and then the largest part of a step.
    _probe(
        "src.feature_builders.nuplan_scenario_render:NuplanScenarioRender.render_from_simulation",
        "planner",
        "pluto.render",
    ),
)

SCENARIO_MANAGER = (
    _probe(f"{_MANAGER}.update_drivable_area_map", "planner", "pluto.update_drivable_area_map"),
    _probe(f"{_MANAGER}.update_obstacle_map", "planner", "pluto.update_obstacle_map"),
    _probe(f"{_MANAGER}.update_ego_path", "planner", "pluto.update_ego_path"),
    _probe(f"{_MANAGER}.get_reference_lines", "planner", "pluto.get_reference_lines"),
    _probe("src.scenario_manager.route_manager:RouteManager.load_route", "planner", "pluto.load_route"),
    # For each static object and each candidate of a leading one.
    _probe(f"{_MANAGER}.object_in_drivable_area", "planner", "pluto.object_in_drivable_area", "fine"),
)

# features.get_from_simulation is around these.
FEATURES = (
    _probe(f"{_BUILDER}._get_ego_features", "features", "pluto.get_ego_features"),
    _probe(f"{_BUILDER}._get_agent_features", "features", "pluto.get_agent_features"),
    _probe(f"{_BUILDER}._get_static_objects_features", "features", "pluto.get_static_objects_features"),
    _probe(f"{_BUILDER}._get_map_features", "features", "pluto.get_map_features"),
    _probe(f"{_BUILDER}._get_reference_line_feature", "features", "pluto.get_reference_line_feature"),
    _probe(f"{_FEATURE}.normalize", "features", "pluto.normalize"),
    _probe(f"{_FEATURE}.to_feature_tensor", "features", "pluto.to_tensors"),
    _probe(f"{_FEATURE}.to_device", "features", "pluto.to_device"),
    _probe(f"{_FEATURE}.collate", "features", "pluto.collate"),
)

# model.forward is around these. There are four encoder layers.
MODEL = (
    _probe(f"{_MODEL}.modules.agent_encoder:AgentEncoder.forward", "model", "pluto.encode_agents"),
    _probe(f"{_MODEL}.modules.map_encoder:MapEncoder.forward", "model", "pluto.encode_map"),
    _probe(
        f"{_MODEL}.modules.static_objects_encoder:StaticObjectsEncoder.forward",
        "model",
        "pluto.encode_static_objects",
    ),
    _probe(f"{_MODEL}.layers.transformer:TransformerEncoderLayer.forward", "model", "pluto.encode_together"),
    _probe(f"{_MODEL}.modules.agent_predictor:AgentPredictor.forward", "model", "pluto.predict_agents"),
    _probe(f"{_MODEL}.modules.planning_decoder:PlanningDecoder.forward", "model", "pluto.decode_trajectory"),
)

POST_PROCESSING = (
    _probe(f"{_EVALUATOR}.evaluate", "planner", "pluto.evaluate"),
    _probe(
        f"{_POST}.observation.world_from_prediction:WorldFromPrediction.update", "planner", "pluto.forecast"
    ),
    _probe(f"{_SIMULATION}.forward_simulator:ForwardSimulator.forward", "planner", "pluto.simulate"),
    # Called for each frame of the roll-out: 80 times.
    _probe(
        f"{_SIMULATION}.batch_lqr:BatchLQRTracker.track_trajectory",
        "planner",
        "pluto.track_trajectory",
        "fine",
    ),
    _probe(
        f"{_SIMULATION}.batch_kinematic_bicycle:BatchKinematicBicycleModel.propagate_state",
        "planner",
        "pluto.propagate_state",
        "fine",
    ),
    _probe(f"{_EVALUATOR}._update_ego_footprints", "planner", "pluto.evaluate_footprints"),
    _probe(f"{_EVALUATOR}._evaluate_no_at_fault_collisions", "planner", "pluto.evaluate_collisions"),
    _probe(f"{_EVALUATOR}._evaluate_drivable_area_compliance", "planner", "pluto.evaluate_drivable_area"),
    _probe(
        f"{_EVALUATOR}._evaluate_driving_direction_compliance", "planner", "pluto.evaluate_driving_direction"
    ),
    _probe(f"{_EVALUATOR}._evaluate_time_to_collision", "planner", "pluto.evaluate_time_to_collision"),
    _probe(f"{_EVALUATOR}._evaluate_speed_limit_compliance", "planner", "pluto.evaluate_speed_limit"),
    _probe(f"{_EVALUATOR}._evaluate_progress", "planner", "pluto.evaluate_progress"),
    _probe(f"{_EVALUATOR}._evaluate_is_comfortable", "planner", "pluto.evaluate_comfort"),
    _probe(f"{_POST}.emergency_brake:EmergencyBrake.brake_if_emergency", "planner", "pluto.brake"),
)

PROBES = PLANNER + SCENARIO_MANAGER + FEATURES + MODEL + POST_PROCESSING
