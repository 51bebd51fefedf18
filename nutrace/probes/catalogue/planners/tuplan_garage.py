"""PDM-Closed, PDM-Open and PDM-Hybrid, and the models of PDM and PGP (autonomousvision/tuplan_garage)."""

from __future__ import annotations

from functools import partial

from nutrace.probes.probe import Probe

_ROOT = "tuplan_garage.planning"
_PDM = f"{_ROOT}.simulation.planner.pdm_planner"
_PLANNER = f"{_PDM}.abstract_pdm_planner:AbstractPDMPlanner"
_CLOSED = f"{_PDM}.abstract_pdm_closed_planner:AbstractPDMClosedPlanner"
_OBSERVATION = f"{_PDM}.observation.pdm_observation:PDMObservation"
_GENERATOR = f"{_PDM}.proposal.pdm_generator:PDMGenerator"
_TRACKER = f"{_PDM}.simulation.batch_lqr:BatchLQRTracker"
_SCORER = f"{_PDM}.scoring.pdm_scorer:PDMScorer"
_PGP = f"{_ROOT}.training.modeling.models.pgp"

_probe = partial(Probe, distribution="tuplan_garage")

# Each runs once a step, the first three once a scenario. They are 99 % of PDM-Closed's planner.compute.
# What the planner forecasts, simulates and scores is the planner's time, not that of the simulation's own
# observation, controller or metrics.
PHASES = (
    _probe(f"{_PLANNER}._load_route_dicts", "planner", "pdm.load_route"),
    _probe(f"{_PLANNER}._route_roadblock_correction", "planner", "pdm.correct_route"),
    _probe(f"{_PLANNER}._get_discrete_centerline", "planner", "pdm.get_centerline"),
    _probe(f"{_PLANNER}._get_starting_lane", "planner", "pdm.get_starting_lane"),
    # In PDM-Open and -Hybrid once a step; in PDM-Closed for each proposal at the beginning.
    _probe(f"{_PDM}.utils.pdm_path:PDMPath.__init__", "planner", "pdm.build_path"),
    _probe(
        f"{_PDM}.observation.pdm_observation_utils:get_drivable_area_map",
        "planner",
        "pdm.get_drivable_area_map",
    ),
    _probe(f"{_OBSERVATION}.update", "planner", "pdm.update_observation"),
    _probe(f"{_CLOSED}._update_proposal_manager", "planner", "pdm.update_proposals"),
    _probe(f"{_GENERATOR}.generate_proposals", "planner", "pdm.generate_proposals"),
    _probe(
        f"{_PDM}.simulation.pdm_simulator:PDMSimulator.simulate_proposals",
        "planner",
        "pdm.simulate_proposals",
    ),
    _probe(f"{_SCORER}.score_proposals", "planner", "pdm.score_proposals"),
    _probe(f"{_PDM}.utils.pdm_emergency_brake:PDMEmergencyBrake.brake_if_emergency", "planner", "pdm.brake"),
    _probe(f"{_GENERATOR}.generate_trajectory", "planner", "pdm.generate_trajectory"),
    _probe(
        f"{_PDM}.pdm_hybrid_planner:PDMHybridPlanner._apply_trajectory_correction",
        "planner",
        "pdm.apply_correction",
    ),
)

INSIDE = (
    _probe(f"{_OBSERVATION}._get_object_manager", "planner", "pdm.get_object_manager"),
    # Measured in PDM-Closed: 160, 160, 40 and 40 calls a step, of 0.35, 0.06, 0.8 and 0.15 ms. They cost a
    # simulation little, but they would make its run file ten times as large.
    _probe(f"{_GENERATOR}._update_leading_agents", "planner", "pdm.update_leading_agents", "fine"),
    _probe(f"{_GENERATOR}._update_idm_states", "planner", "pdm.update_idm_states", "fine"),
    _probe(f"{_TRACKER}.track_trajectory", "planner", "pdm.track_trajectory", "fine"),
    _probe(
        f"{_PDM}.simulation.batch_kinematic_bicycle:BatchKinematicBicycleModel.propagate_state",
        "planner",
        "pdm.propagate_state",
        "fine",
    ),
    # The parts of pdm.score_proposals, without those that take some microseconds.
    _probe(f"{_SCORER}._reset", "planner", "pdm.prepare_scores"),
    _probe(f"{_SCORER}._calculate_ego_area", "planner", "pdm.score_ego_area"),
    _probe(f"{_SCORER}._calculate_no_at_fault_collision", "planner", "pdm.score_collisions"),
    _probe(f"{_SCORER}._calculate_driving_direction_compliance", "planner", "pdm.score_driving_direction"),
    _probe(f"{_SCORER}._calculate_progress", "planner", "pdm.score_progress"),
    _probe(f"{_SCORER}._calculate_ttc", "planner", "pdm.score_time_to_collision"),
    _probe(f"{_SCORER}._calculate_is_comfortable", "planner", "pdm.score_comfort"),
)

FEATURES = (_probe(f"{_PDM}.utils.pdm_feature_utils:create_pdm_feature", "features", "pdm.create_feature"),)

# Of the models themselves, model.forward has a span. PGP is three models in one.
MODELS = (
    _probe(f"{_PGP}.pgp_encoder:PGPEncoder.forward", "model", "pgp.encode"),
    _probe(f"{_PGP}.pgp_aggregator:PGP.forward", "model", "pgp.aggregate"),
    _probe(f"{_PGP}.pgp_decoder:LVM.forward", "model", "pgp.decode"),
)

PROBES = PHASES + INSIDE + FEATURES + MODELS
