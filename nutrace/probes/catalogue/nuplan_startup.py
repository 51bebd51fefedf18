"""What happens around the simulations: configuration, building, workers."""

from __future__ import annotations

from nutrace.probes.probe import Probe

_SCRIPT = "nuplan.planning.script"
_BUILDERS = f"{_SCRIPT}.builders"
_WORKER = "nuplan.planning.utils.multithreading.worker_pool:WorkerPool"


def _probe(
    target: str,
    component: str,
    name: str,
    level: str = "coarse",
    subclasses: bool = False,
    distribution: str = "nuplan-devkit",
) -> Probe:
    return Probe(target, component, name, level, subclasses, distribution=distribution)


# Functions of run_simulation.py itself are out of reach: it runs as __main__.
CONFIG = (
    # @hydra.main and hydra.compose() both come through here.
    _probe(
        "hydra._internal.hydra:Hydra.compose_config", "config", "config.compose", distribution="hydra-core"
    ),
    _probe(
        "hydra._internal.instantiate._instantiate2:instantiate",
        "config",
        "config.instantiate",
        "normal",
        distribution="hydra-core",
    ),
    _probe(f"{_SCRIPT}.utils:set_up_common_builder", "config", "config.set_up"),
    _probe(f"{_BUILDERS}.utils.utils_config:update_config_for_simulation", "config", "config.update"),
)

BUILDING = (
    _probe(f"{_BUILDERS}.simulation_builder:build_simulations", "simulation", "simulation.build"),
    _probe(f"{_BUILDERS}.planner_builder:build_planners", "planner", "planner.build"),
    _probe(f"{_BUILDERS}.observation_builder:build_observations", "observation", "observation.build"),
    _probe(f"{_BUILDERS}.metric_builder:build_metrics_engines", "metrics", "metrics.build"),
    _probe(f"{_SCRIPT}.utils:run_runners", "simulation", "simulation.run_runners"),
    _probe(f"{_SCRIPT}.utils:save_runner_reports", "serialization", "serialization.save_reports"),
)

WORKER = (
    _probe(f"{_BUILDERS}.worker_pool_builder:build_worker", "worker", "worker.build"),
    _probe(f"{_WORKER}.map", "worker", "worker.map", subclasses=True),
    _probe(f"{_WORKER}.submit", "worker", "worker.submit", subclasses=True),
)

PROBES = CONFIG + BUILDING + WORKER
