"""What receives the results of a simulation: callbacks, metrics, simulation logs."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe

_SIMULATION = "nuplan.planning.simulation"
_CALLBACK = f"{_SIMULATION}.callback.abstract_callback:AbstractCallback"
_MULTI_CALLBACK = f"{_SIMULATION}.callback.multi_callback:MultiCallback"
_MAIN_CALLBACK = f"{_SIMULATION}.main_callback.abstract_main_callback:AbstractMainCallback"
_LOG = f"{_SIMULATION}.simulation_log:SimulationLog"
_SCENES = f"{_SIMULATION}.callback.serialization_callback"
_METRICS = "nuplan.planning.metrics"
_ENGINE = f"{_METRICS}.metric_engine:MetricsEngine"
_IO = "nuplan.common.utils.io_utils"

# MultiCallback is a callback that calls the others. Once a run, its span holds theirs. In each step it gets
# no span: the spans of the other callbacks tell the same.
_RUN_EVENTS = ("on_initialization_start", "on_initialization_end", "on_simulation_start", "on_simulation_end")
_STEP_EVENTS = ("on_step_start", "on_step_end", "on_planner_start", "on_planner_end")

CALLBACKS = tuple(
    devkit_probe(
        f"{_CALLBACK}.{event}", "callback", f"callback.{event}", level, subclasses=True, without=without
    )
    for events, level, without in ((_RUN_EVENTS, "coarse", ()), (_STEP_EVENTS, "normal", (_MULTI_CALLBACK,)))
    for event in events
)

MAIN_CALLBACKS = tuple(
    devkit_probe(f"{_MAIN_CALLBACK}.{event}", "callback", f"main_callback.{event}", "coarse", True)
    for event in ("on_run_simulation_start", "on_run_simulation_end")
)


METRICS = (
    devkit_probe(f"{_SIMULATION}.runner.metric_runner:MetricRunner.run", "metrics", "metrics.run", "coarse"),
    devkit_probe(f"{_ENGINE}.compute", "metrics", "metrics.compute", "coarse"),
    devkit_probe(f"{_ENGINE}.write_to_files", "metrics", "metrics.write", "coarse"),
    # A span for each metric; code.function.name says which one.
    devkit_probe(
        f"{_METRICS}.abstract_metric:AbstractMetricBuilder.compute",
        "metrics",
        "metrics.compute_metric",
        "normal",
        subclasses=True,
    ),
    devkit_probe(
        f"{_METRICS}.abstract_metric:AbstractMetricBuilder.compute_score",
        "metrics",
        "metrics.compute_score",
        "fine",
        subclasses=True,
    ),
    devkit_probe(
        f"{_METRICS}.aggregator.abstract_metric_aggregator:AbstractMetricAggregator.__call__",
        "metrics",
        "metrics.aggregate",
        "coarse",
        subclasses=True,
    ),
)

# write_pickle and write_msgpack pickle and compress through the standard library. Its compression has
# no probes, because they would trace the whole program's compression.
SERIALIZATION = (
    devkit_probe(f"{_LOG}.save_to_file", "serialization", "serialization.save_log", "coarse"),
    devkit_probe(f"{_LOG}._dump_to_pickle", "serialization", "serialization.write_pickle", "coarse"),
    devkit_probe(f"{_LOG}._dump_to_msgpack", "serialization", "serialization.write_msgpack", "coarse"),
    devkit_probe(f"{_LOG}.load_data", "serialization", "serialization.load_log", "coarse"),
    devkit_probe(
        f"{_SCENES}:convert_sample_to_scene", "serialization", "serialization.convert_scene", "normal"
    ),
    devkit_probe(f"{_SCENES}:_dump_to_file", "serialization", "serialization.write_scene", "normal"),
    devkit_probe(f"{_IO}:save_buffer", "serialization", "serialization.write_file", "normal"),
    devkit_probe(f"{_IO}:save_object_as_pickle", "serialization", "serialization.write_object", "normal"),
)

PROBES = CALLBACKS + MAIN_CALLBACKS + METRICS + SERIALIZATION
