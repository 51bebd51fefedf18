"""Give a tracker the poses of a planned trajectory, and agents their paths, without the objects around them.

The devkit's tracker resamples the plan: it makes some 80 states of the ego with their dynamics, and takes
the pose of the rear axle from each. Here it gets footprints with that pose, made by the devkit's own code
from the same numbers. A line is made from an array instead of a list of pairs, which shapely takes apart
number by number.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable, List, Optional

from nutrace.recording.faults import say
from nutrace.speedups.speedup import Misfit, Switch

_TRAJECTORY = ("nuplan.planning.simulation.trajectory.interpolated_trajectory", "InterpolatedTrajectory")
_STATE = ("nuplan.common.actor_state.ego_state", "EgoState")


class Proven:
    """A faster way to a function's result: the first time both run, and their results are compared.

    Parameters
    ----------
    name:
        The function's, for the line that says that the results differ. From then on the function runs.
    same:
        Compares two results exactly.
    """

    def __init__(self, name: str, same: Callable[[Any, Any], bool]) -> None:
        self.name = name
        self._same = same
        self._equal: Optional[bool] = None

    def __call__(self, original: Callable[[], Any], faster: Callable[[], Any]) -> Any:
        """What `original` returns or raises."""
        if self._equal is False:
            return original()
        failed = False
        try:
            result = faster()
        except Exception:  # it may be the original's own error, or an error that the original does not make
            failed = True
        if failed:  # not in the handler: the error would be the context of the original's
            return original()
        if self._equal is None:
            stock = original()
            self._equal = self._same(result, stock)
            if not self._equal:
                say(f"propagation: {self.name} differs from what is known, and is left as it was")
            return stock
        return result


class _Poses:
    """A trajectory whose states are footprints, which have a rear axle."""

    def __init__(self, trajectory: Any) -> None:
        self.start_time = trajectory.start_time
        self.end_time = trajectory.end_time
        self._trajectory = trajectory

    def get_state_at_times(self, time_points: List[Any]) -> List[Any]:
        trajectory = self._trajectory
        times = [each.time_us for each in time_points]
        linear = trajectory._function_interp_linear(times)
        angular = trajectory._angular_interpolator.interpolate(times)
        (vehicle,) = trajectory._fixed_state
        pose = sys.modules["nuplan.common.actor_state.state_representation"].StateSE2
        footprint = sys.modules["nuplan.common.actor_state.car_footprint"].CarFootprint
        return [
            footprint.build_from_rear_axle(pose(state[1], state[2], heading[0]), vehicle)
            for state, heading in zip(linear, angular)
        ]


def poses(original: Any, switch: Switch) -> Any:
    """Replace ``get_interpolated_reference_trajectory_poses``."""
    proven = Proven(original.__qualname__, _same_arrays)

    @functools.wraps(original)
    def get_poses(trajectory: Any, discretization_time: Any) -> Any:
        stock = functools.partial(original, trajectory, discretization_time)
        if not (switch and _is(type(trajectory), _TRAJECTORY) and _is(trajectory._trajectory_class, _STATE)):
            return stock()
        return proven(stock, lambda: original(_Poses(trajectory), discretization_time))

    return get_poses


def lines(original: Any, switch: Switch) -> Any:
    """Replace ``path_to_linestring``."""
    known = original.__globals__
    numpy, line = known.get("np"), known.get("LineString")
    if numpy is None or line is None:
        raise Misfit(f"{original.__qualname__} makes no LineString of what it knows")
    proven = Proven(original.__qualname__, _same_line)

    @functools.wraps(original)
    def path_to_linestring(path: Any) -> Any:
        if not switch or type(path) is not list:  # an iterator can be read only once
            return original(path)
        return proven(
            lambda: original(path),
            lambda: line(numpy.array([(point.x, point.y) for point in path], dtype=numpy.float64)),
        )

    return path_to_linestring


def _is(kind: Any, named: Any) -> bool:
    return bool((kind.__module__, kind.__qualname__) == named)


def _same_arrays(one: Any, other: Any) -> bool:
    first, second = ([(each.dtype, each.shape, each.tobytes()) for each in arrays] for arrays in (one, other))
    return first == second


def _same_line(one: Any, other: Any) -> bool:
    return bool(type(one) is type(other) and one.wkb == other.wkb)
