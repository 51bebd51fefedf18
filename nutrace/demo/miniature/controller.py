"""Controller, tracker and motion model: how the ego vehicle follows a plan."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from nutrace.demo.miniature.scenario import AbstractScenario
from nutrace.demo.miniature.state import EgoState, Iteration, Trajectory

Matrix = List[List[float]]


class AbstractEgoController:
    """Keeps the ego vehicle's state, and moves it along a trajectory."""

    def get_state(self) -> EgoState:
        """Return the current state."""
        raise NotImplementedError

    def update_state(
        self, current: Iteration, following: Iteration, state: EgoState, plan: Trajectory
    ) -> None:
        """Advance the state from one iteration to the next."""
        raise NotImplementedError


class AbstractTracker:
    """Turns a plan into commands."""

    def track_trajectory(
        self, current: Iteration, following: Iteration, state: EgoState, plan: Trajectory
    ) -> Tuple[float, float]:
        """Return the acceleration in m/s^2 and the steering rate in rad/s."""
        raise NotImplementedError


class AbstractMotionModel:
    """Turns commands into motion."""

    def propagate_state(self, state: EgoState, commands: Tuple[float, float], seconds: float) -> EgoState:
        """Return the state after a number of seconds with constant commands."""
        raise NotImplementedError


class LQRTracker(AbstractTracker):
    """A linear quadratic regulator over lateral error, heading error and steering angle."""

    def __init__(self, options: Dict[str, Any], wheel_base: float) -> None:
        self.options = options
        self.wheel_base = wheel_base

    def track_trajectory(
        self, current: Iteration, following: Iteration, state: EgoState, plan: Trajectory
    ) -> Tuple[float, float]:
        seconds = (following.time_us - current.time_us) / 1e6
        target = plan.at(following.time_us)
        ahead = plan.at(following.time_us + 1_000_000)
        accel = self.options["k_velocity"] * (target.speed - state.speed)
        # The heading error is taken from the plan a second ahead, which is always in front of the vehicle.
        dx, dy = state.x - target.x, state.y - target.y
        lateral = dy * math.cos(ahead.heading) - dx * math.sin(ahead.heading)
        heading = _wrapped(state.heading - ahead.heading)
        gain = self._gain(max(state.speed, 1.0), seconds)
        error = (lateral, heading, state.steering)
        return accel, -sum(k * e for k, e in zip(gain, error))

    def _gain(self, speed: float, seconds: float) -> List[float]:
        """Solve the Riccati recursion backwards from the horizon."""
        a = [[1.0, speed * seconds, 0.0], [0.0, 1.0, speed * seconds / self.wheel_base], [0.0, 0.0, 1.0]]
        b = [0.0, 0.0, seconds]
        weights = self.options["q_lateral"]
        q = [[weights[i] if i == j else 0.0 for j in range(3)] for i in range(3)]
        p, gain = [row[:] for row in q], [0.0, 0.0, 0.0]
        for _ in range(self.options["horizon"]):
            pa = _product(p, a)
            pb = [sum(p[i][k] * b[k] for k in range(3)) for i in range(3)]
            scale = self.options["r_lateral"] + sum(b[i] * pb[i] for i in range(3))
            gain = [sum(b[k] * pa[k][j] for k in range(3)) / scale for j in range(3)]
            closed = [[a[i][j] - b[i] * gain[j] for j in range(3)] for i in range(3)]
            following = _product(_transposed(a), _product(p, closed))
            p = [[q[i][j] + following[i][j] for j in range(3)] for i in range(3)]
        return gain


class KinematicBicycleModel(AbstractMotionModel):
    """A bicycle model without slip, integrated in substeps."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self.options = options

    def propagate_state(self, state: EgoState, commands: Tuple[float, float], seconds: float) -> EgoState:
        accel, rate = commands
        count = self.options["substeps"]
        dt, limit = seconds / count, self.options["max_steering"]
        x, y, heading, speed, steering = state.x, state.y, state.heading, state.speed, state.steering
        for _ in range(count):
            x += speed * math.cos(heading) * dt
            y += speed * math.sin(heading) * dt
            heading += speed * math.tan(steering) / self.options["wheel_base"] * dt
            speed = max(0.0, speed + accel * dt)
            steering = min(max(steering + rate * dt, -limit), limit)
        time_us = state.time_us + round(seconds * 1e6)
        return EgoState(time_us, x, y, _wrapped(heading), speed, accel, steering)


class TwoStageController(AbstractEgoController):
    """A tracker followed by a motion model."""

    def __init__(
        self, scenario: AbstractScenario, tracker: AbstractTracker, model: AbstractMotionModel
    ) -> None:
        self.scenario = scenario
        self.tracker = tracker
        self.model = model
        self._state: Optional[EgoState] = None

    def get_state(self) -> EgoState:
        if self._state is None:
            self._state = self.scenario.get_ego_state_at_iteration(0)
        return self._state

    def update_state(
        self, current: Iteration, following: Iteration, state: EgoState, plan: Trajectory
    ) -> None:
        seconds = (following.time_us - current.time_us) / 1e6
        commands = self.tracker.track_trajectory(current, following, state, plan)
        moved = self.model.propagate_state(state, commands, seconds)
        self._state = replace(moved, time_us=following.time_us)


def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _product(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def _transposed(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a)]
