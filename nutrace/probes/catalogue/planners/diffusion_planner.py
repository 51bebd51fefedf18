"""Diffusion-Planner (ZhengYinan-AIR/Diffusion-Planner)."""

from __future__ import annotations

from functools import partial

from nutrace.probes.probe import Probe

_PLANNER = "diffusion_planner.planner.planner:DiffusionPlanner"
_DATA = "diffusion_planner.data_process"
_MODEL = "diffusion_planner.model"
_ENCODER = f"{_MODEL}.module.encoder"
_NORMALIZER = "diffusion_planner.utils.normalizer:ObservationNormalizer"

_probe = partial(Probe, distribution="Diffusion-Planner")

# Once a step, if not said otherwise.
PLANNER = (
    _probe(f"{_PLANNER}.outputs_to_trajectory", "planner", "diffusion.get_trajectory"),
    # The planner looks for the shortest correction of the route again in each step.
    _probe(f"{_DATA}.roadblock_utils:route_roadblock_correction", "features", "diffusion.correct_route"),
)

FEATURES = (
    _probe(f"{_PLANNER}.planner_input_to_model_inputs", "features", "diffusion.get_inputs"),
    _probe(
        f"{_DATA}.agent_process:sampled_tracked_objects_to_array_list", "features", "diffusion.collect_agents"
    ),
    _probe(f"{_DATA}.agent_process:agent_past_process", "features", "diffusion.process_agents"),
    _probe(f"{_DATA}.map_process:get_neighbor_vector_set_map", "features", "diffusion.query_map"),
    _probe(f"{_DATA}.map_process:map_process", "features", "diffusion.process_map"),
    _probe(f"{_DATA}.utils:convert_to_model_inputs", "features", "diffusion.to_tensors"),
    _probe(f"{_NORMALIZER}.__call__", "features", "diffusion.normalize"),
)

MODEL = (
    # It is no TorchModuleWrapper of the devkit's.
    _probe(f"{_MODEL}.diffusion_planner:Diffusion_Planner.forward", "model", "model.forward", "coarse"),
    _probe(f"{_ENCODER}:Encoder.forward", "model", "diffusion.encode"),
    _probe(f"{_ENCODER}:AgentFusionEncoder.forward", "model", "diffusion.encode_agents"),
    _probe(f"{_ENCODER}:StaticFusionEncoder.forward", "model", "diffusion.encode_static_objects"),
    _probe(f"{_ENCODER}:LaneFusionEncoder.forward", "model", "diffusion.encode_lanes"),
    _probe(f"{_ENCODER}:FusionEncoder.forward", "model", "diffusion.fuse"),
    _probe(f"{_MODEL}.module.decoder:Decoder.forward", "model", "diffusion.decode"),
    _probe(f"{_MODEL}.diffusion_utils.sampling:dpm_sampler", "model", "diffusion.sample"),
    # Ten or twelve times: for each step of the diffusion.
    _probe(f"{_MODEL}.module.decoder:DiT.forward", "model", "diffusion.denoise"),
    _probe(f"{_MODEL}.guidance.guidance_wrapper:GuidanceWrapper.__call__", "model", "diffusion.guide"),
)

PROBES = PLANNER + FEATURES + MODEL
