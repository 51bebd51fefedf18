"""Run a devkit script and note the times of its steps, its garbage collections, and repeated calls.

``devkit_watched.py OUT WHAT SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` with the speedups that
NUTRACE_SPEEDUPS names, and writes JSON to OUT:

- ``steps``: the CPU nanoseconds of each step, of its thread;
- ``collections``: ``[generation, nanoseconds, whether it was within a step]`` for each collection;
- ``calls``: empty if WHAT is ``times``. If WHAT is ``calls``, for each function that moves the ego vehicle or
  agents, ``[calls in the steps, number of these with the arguments of an earlier call]``. If WHAT is
  ``both``, for each function that the speedup `propagation` replaces, ``[calls, nanoseconds, nanoseconds of
  the replacement]``: each call is done both ways, in alternating order, with garbage collection off.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Set, Tuple

_PTH = Path(__file__).parents[2] / "nutrace_autostart.pth"
Key = Callable[..., Tuple[Any, ...]]


class Watch:
    """What is noted in this process."""

    def __init__(self) -> None:
        self.steps: List[int] = []
        self.collections: List[Tuple[int, int, bool]] = []
        self.calls: Dict[str, List[int]] = {}
        self.began = 0  # when the current step began; 0 between steps
        self._collecting = 0

    def watch_steps(self) -> None:
        """Wrap the callbacks that also begin and end a step for nutrace."""
        from nuplan.planning.simulation.callback.multi_callback import MultiCallback

        start: Any = MultiCallback.on_step_start
        end: Any = MultiCallback.on_step_end

        def on_step_start(*args: Any) -> None:
            start(*args)
            self.began = time.thread_time_ns()

        def on_step_end(*args: Any) -> None:
            self.steps.append(time.thread_time_ns() - self.began)
            self.began = 0
            end(*args)

        MultiCallback.on_step_start, MultiCallback.on_step_end = on_step_start, on_step_end
        gc.callbacks.append(self._collected)

    def _collected(self, phase: str, info: Dict[str, int]) -> None:
        now = time.perf_counter_ns()
        if phase == "start":
            self._collecting = now
        else:
            self.collections.append((info["generation"], now - self._collecting, bool(self.began)))

    def count(self, owner: Any, name: str, key: Key) -> None:
        """Count the calls of a function. `key` returns everything that the result of a call depends on."""
        original: Any = getattr(owner, name)
        counts = self.calls[f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"] = [0, 0]
        seen: Set[Tuple[Any, ...]] = set()

        def counted(*args: Any, **kwargs: Any) -> Any:
            if self.began:
                arguments = key(*args, **kwargs)
                counts[0] += 1
                counts[1] += arguments in seen
                seen.add(arguments)
            return original(*args, **kwargs)

        is_property = isinstance(original, property)
        if is_property:
            original = original.fget
        counted = functools.wraps(original)(counted)
        setattr(owner, name, property(counted) if is_property else counted)

    def count_all(self) -> None:
        """Count the calls of the tracker, of the motion model, and of the agents and their map."""
        import numpy
        from nuplan.planning.simulation.controller.motion_model.kinematic_bicycle import KinematicBicycleModel
        from nuplan.planning.simulation.controller.tracker.lqr import LQRTracker
        from nuplan.planning.simulation.observation.idm.idm_agent import IDMAgent
        from nuplan.planning.simulation.occupancy_map.strtree_occupancy_map import STRTreeOccupancyMap

        def moved(_: Any, state: Any, ideal_dynamic_state: Any, sampling_time: Any) -> Tuple[Any, ...]:
            dynamic, ideal = state.dynamic_car_state, ideal_dynamic_state
            return (
                *list(state)[1:],  # without the time, on which nothing else depends
                dynamic.angular_velocity,
                float(dynamic.tire_steering_rate),
                float(ideal.rear_axle_acceleration_2d.x),
                float(ideal.tire_steering_rate),
                sampling_time.time_us,
            )

        def where(agent: Any) -> Tuple[Any, ...]:
            return agent, agent._path, agent.progress, agent.velocity

        def crossed(occupancy: Any, geometry: Any) -> Tuple[Any, ...]:
            return tuple((name, each.wkb) for name, each in occupancy._geom_map.items()), geometry.wkb

        self.count(numpy.linalg, "pinv", lambda matrix, **_: (matrix.shape, matrix.tobytes()))
        self.count(
            LQRTracker, "_lateral_lqr_controller", lambda _, *arrays: tuple(a.tobytes() for a in arrays)
        )
        self.count(KinematicBicycleModel, "propagate_state", moved)
        self.count(IDMAgent, "propagate", lambda agent, lead, span: (*where(agent), *lead.to_array(), span))
        self.count(IDMAgent, "projected_footprint", where)
        self.count(STRTreeOccupancyMap, "intersects", crossed)

    def compare(self, module: str, name: str, make: Callable[[Any, Any], Any]) -> None:
        """Make all modules that have a function call both the original and the one that `make` returns."""
        from nutrace.probes.switch import Switch

        original: Any = getattr(importlib.import_module(module), name)
        switch = Switch()
        switch.on()
        ways = (original, make(original, switch))
        counts = self.calls[name] = [0, 0, 0]

        def both(*args: Any) -> Any:
            if not self.began:
                return original(*args)
            counts[0] += 1
            results = {}
            gc.disable()
            for way in (0, 1) if counts[0] % 2 else (1, 0):
                began = time.perf_counter_ns()
                results[way] = ways[way](*args)
                counts[1 + way] += time.perf_counter_ns() - began
            gc.enable()
            return results[0]

        for each in list(sys.modules.values()):
            if getattr(each, name, None) is original:
                setattr(each, name, both)

    def compare_all(self) -> None:
        """Compare the functions that the speedup `propagation` replaces."""
        from nutrace.speedups.propagation.tracked_poses import lines, poses

        for module in ("controller.tracker.lqr", "planner.idm_planner", "observation.idm_agents"):
            importlib.import_module(f"nuplan.planning.simulation.{module}")
        self.compare(
            "nuplan.planning.simulation.controller.tracker.tracker_utils",
            "get_interpolated_reference_trajectory_poses",
            poses,
        )
        self.compare("nuplan.planning.simulation.observation.idm.utils", "path_to_linestring", lines)


def main() -> None:
    """Run the script and write what was noted."""
    exec(_PTH.read_text(encoding="utf-8"))
    out, what = sys.argv[1:3]
    del sys.argv[:3]
    watch = Watch()
    watch.watch_steps()
    if what == "calls":
        watch.count_all()
    elif what == "both":
        watch.compare_all()
    runpy.run_path(sys.argv[0], run_name="__main__")
    noted = {"steps": watch.steps, "collections": watch.collections, "calls": watch.calls}
    Path(out).write_text(json.dumps(noted), encoding="utf-8")


if __name__ == "__main__":
    main()
