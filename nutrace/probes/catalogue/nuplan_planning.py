"""What plans: planners, predictors, feature builders, models."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe

_PLANNER = "nuplan.planning.simulation.planner"
_ABSTRACT_PLANNER = f"{_PLANNER}.abstract_planner:AbstractPlanner"
_IDM_PLANNER = f"{_PLANNER}.abstract_idm_planner:AbstractIDMPlanner"
_MODEL_LOADER = f"{_PLANNER}.ml_planner.model_loader:ModelLoader"
_MODEL = "nuplan.planning.training.modeling.torch_module_wrapper:TorchModuleWrapper"
_PREPROCESSING = "nuplan.planning.training.preprocessing"
_FEATURE_BUILDER = f"{_PREPROCESSING}.feature_builders.abstract_feature_builder:AbstractFeatureBuilder"


PLANNER = (
    devkit_probe(
        f"{_ABSTRACT_PLANNER}.initialize", "planner", "planner.initialize", "coarse", subclasses=True
    ),
    # The simulation calls compute_trajectory, which checks and times compute_planner_trajectory.
    devkit_probe(
        f"{_ABSTRACT_PLANNER}.compute_trajectory",
        "planner",
        "planner.compute_trajectory",
        "fine",
        subclasses=True,
    ),
    devkit_probe(
        f"{_ABSTRACT_PLANNER}.compute_planner_trajectory",
        "planner",
        "planner.compute",
        "coarse",
        subclasses=True,
    ),
    # The first takes 240 us, the second 45 us, and the third the rest of some 14 ms: at `normal`,
    # planner.compute is enough.
    devkit_probe(
        f"{_IDM_PLANNER}._construct_occupancy_map", "planner", "planner.construct_occupancy_map", "fine"
    ),
    devkit_probe(
        f"{_IDM_PLANNER}._annotate_occupancy_map", "planner", "planner.annotate_occupancy_map", "fine"
    ),
    devkit_probe(
        f"{_IDM_PLANNER}._get_planned_trajectory", "planner", "planner.get_planned_trajectory", "fine"
    ),
    # Called for each sample of the planned trajectory: 0 / 16.
    devkit_probe(f"{_IDM_PLANNER}._get_leading_object", "planner", "planner.get_leading_object", "fine"),
    # The last phase of most learned planners.
    devkit_probe(
        f"{_PLANNER}.ml_planner.transform_utils:transform_predictions_to_states",
        "planner",
        "planner.get_states",
        "normal",
    ),
    devkit_probe(
        "nuplan.planning.simulation.predictor.abstract_predictor:AbstractPredictor.compute_predicted_trajectories",
        "planner",
        "predictor.compute",
        "normal",
        subclasses=True,
    ),
)

FEATURES = (
    devkit_probe(f"{_MODEL_LOADER}.build_features", "features", "features.build", "normal"),
    devkit_probe(
        f"{_FEATURE_BUILDER}.get_features_from_simulation",
        "features",
        "features.get_from_simulation",
        "normal",
        subclasses=True,
    ),
    devkit_probe(
        f"{_FEATURE_BUILDER}.get_features_from_scenario",
        "features",
        "features.get_from_scenario",
        "normal",
        subclasses=True,
    ),
    devkit_probe(
        f"{_PREPROCESSING}.target_builders.abstract_target_builder:AbstractTargetBuilder.get_targets",
        "features",
        "features.get_targets",
        "normal",
        subclasses=True,
    ),
    devkit_probe(
        f"{_PREPROCESSING}.feature_preprocessor:FeaturePreprocessor.compute_features",
        "features",
        "features.preprocess",
        "normal",
    ),
)

MODEL = (
    devkit_probe(f"{_MODEL_LOADER}.initialize", "model", "model.initialize", "coarse"),
    # The devkit's planner calls infer, which calls forward and nothing else. Other planners call forward.
    devkit_probe(f"{_MODEL_LOADER}.infer", "model", "model.infer", "fine"),
    devkit_probe(f"{_MODEL}.forward", "model", "model.forward", "coarse", subclasses=True),
)

PROBES = PLANNER + FEATURES + MODEL
