"""planTF (jchengai/planTF), whose package is named ``src``."""

from __future__ import annotations

from functools import partial

from nutrace.probes.probe import Probe

_PLANNER = "src.planners.imitation_planner:ImitationPlanner"
_BUILDER = "src.feature_builders.nuplan_feature_builder:NuplanFeatureBuilder"
_FEATURE = "src.features.nuplan_feature:NuplanFeature"
_MODEL = "src.models.planTF"

_probe = partial(Probe, distribution="planTF")

# Everything here runs once for each plan, and a plan is made once a step (replan_interval=1).
PLANNER = (
    _probe("src.planners.planner_utils:load_checkpoint", "model", "plantf.load_checkpoint"),
    _probe(f"{_PLANNER}._planning", "planner", "plantf.plan"),
    _probe(f"{_PLANNER}._get_global_trajectory", "planner", "plantf.get_global_trajectory", "fine"),
    _probe("src.planners.planner_utils:global_trajectory_to_states", "planner", "plantf.get_states"),
)

# features.get_from_simulation is around these.
FEATURES = (
    _probe(
        "src.feature_builders.common.route_utils:route_roadblock_correction",
        "features",
        "plantf.correct_route",
    ),
    _probe(f"{_BUILDER}._get_ego_features", "features", "plantf.get_ego_features"),
    _probe(f"{_BUILDER}._get_agent_features", "features", "plantf.get_agent_features"),
    _probe(f"{_BUILDER}._get_map_features", "features", "plantf.get_map_features"),
    _probe(f"{_FEATURE}.normalize", "features", "plantf.normalize"),
    _probe(f"{_FEATURE}.to_feature_tensor", "features", "plantf.to_tensors"),
    _probe(f"{_FEATURE}.to_device", "features", "plantf.to_device"),
    _probe(f"{_FEATURE}.collate", "features", "plantf.collate"),
)

# model.forward is around these. There are four encoder layers.
MODEL = (
    _probe(f"{_MODEL}.modules.agent_encoder:AgentEncoder.forward", "model", "plantf.encode_agents"),
    _probe(f"{_MODEL}.modules.map_encoder:MapEncoder.forward", "model", "plantf.encode_map"),
    _probe(
        f"{_MODEL}.layers.transformer_encoder_layer:TransformerEncoderLayer.forward",
        "model",
        "plantf.encode_together",
    ),
    _probe(
        f"{_MODEL}.modules.trajectory_decoder:TrajectoryDecoder.forward", "model", "plantf.decode_trajectory"
    ),
)

PROBES = PLANNER + FEATURES + MODEL
