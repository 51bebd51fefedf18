"""What runs before and between simulations: configuration, building, workers."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe
from nutrace.semconv import MAP_SPAN

_SCRIPT = "nuplan.planning.script"
_BUILDERS = f"{_SCRIPT}.builders"
_WORKER = "nuplan.planning.utils.multithreading.worker_pool:WorkerPool"


# The functions of run_simulation.py cannot be probed by name: it runs as __main__.
CONFIG = (
    # Both @hydra.main and hydra.compose() call this.
    devkit_probe(
        "hydra._internal.hydra:Hydra.compose_config",
        "config",
        "config.compose",
        "coarse",
        distribution="hydra-core",
    ),
    devkit_probe(
        "hydra._internal.instantiate._instantiate2:instantiate",
        "config",
        "config.instantiate",
        "normal",
        distribution="hydra-core",
    ),
    devkit_probe(f"{_SCRIPT}.utils:set_up_common_builder", "config", "config.set_up", "coarse"),
    devkit_probe(
        f"{_BUILDERS}.utils.utils_config:update_config_for_simulation", "config", "config.update", "coarse"
    ),
)

BUILDING = (
    devkit_probe(
        f"{_BUILDERS}.simulation_builder:build_simulations", "simulation", "simulation.build", "coarse"
    ),
    devkit_probe(f"{_BUILDERS}.planner_builder:build_planners", "planner", "planner.build", "coarse"),
    devkit_probe(
        f"{_BUILDERS}.observation_builder:build_observations", "observation", "observation.build", "coarse"
    ),
    devkit_probe(f"{_BUILDERS}.metric_builder:build_metrics_engines", "metrics", "metrics.build", "coarse"),
    devkit_probe(f"{_SCRIPT}.utils:run_runners", "simulation", "simulation.run_runners", "coarse"),
    devkit_probe(
        f"{_SCRIPT}.utils:save_runner_reports", "serialization", "serialization.save_reports", "coarse"
    ),
)

WORKER = (
    devkit_probe(f"{_BUILDERS}.worker_pool_builder:build_worker", "worker", "worker.build", "coarse"),
    devkit_probe(f"{_WORKER}.map", "worker", MAP_SPAN, "coarse", subclasses=True),
    devkit_probe(f"{_WORKER}.submit", "worker", "worker.submit", "coarse", subclasses=True),
)

PROBES = CONFIG + BUILDING + WORKER
