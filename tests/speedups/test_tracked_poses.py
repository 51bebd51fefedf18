"""What a tracker and the agents' paths are given instead of what the devkit makes: equal bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from devkit import devkit_environment, needs_devkit, run_python

from nutrace.probes.switch import Switch
from nutrace.speedups.propagation.tracked_poses import Proven, lines, poses
from nutrace.speedups.speedup import Misfit


class Either:
    """A result, and how often it was asked for."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def proven() -> Proven:
    return Proven("paths.line", lambda one, other: bool(one == other))


def test_both_are_done_once_and_then_the_other_only() -> None:
    way, stock, other = proven(), Either(1.5), Either(1.5)
    assert [way(stock, other) for _ in range(5)] == [1.5] * 5
    assert (stock.calls, other.calls) == (1, 5)


def test_one_that_differs_is_said_once_and_done_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    way, stock, other = proven(), Either(1.5), Either(1.25)
    assert [way(stock, other) for _ in range(5)] == [1.5] * 5
    assert (stock.calls, other.calls) == (5, 1)
    assert capsys.readouterr().err == (
        "nutrace: propagation: paths.line differs from what is known, and is left as it was\n"
    )


def test_an_error_is_the_programs_own() -> None:
    error = ValueError("the path has one point")
    way = proven()
    with pytest.raises(ValueError, match="one point") as raised:
        way(Either(error), Either(KeyError("ours")))
    assert raised.value is error
    way(Either(1.5), Either(KeyError("ours")))  # no proof of anything
    stock = Either(1.5)
    assert way(stock, Either(1.5)) == 1.5
    assert stock.calls == 1


def test_other_trajectories_are_the_programs_business() -> None:
    seen: List[Any] = []

    def get(trajectory: Any, discretization_time: Any) -> Any:
        seen.append(trajectory)
        return trajectory

    switch = Switch()
    switch.on()
    assert poses(get, switch)("mine", 0.1) == "mine"
    assert seen == ["mine"]


def test_a_function_that_makes_no_line_does_not_fit() -> None:
    def path_to_linestring(path: Any) -> None: ...

    with pytest.raises(Misfit, match="path_to_linestring makes no LineString"):
        lines(path_to_linestring, Switch())


@needs_devkit
@pytest.mark.xdist_group("devkit-speedups")
def test_the_devkits_are_equal(tmp_path: Path) -> None:
    done = run_python(["-c", _COMPARING], devkit_environment(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "",
        "300 300 True",
        "1 1",
        "300 300",
        "AttributeError AttributeError",
        "True",
    ]


_COMPARING = """
import random
from nuplan.common.actor_state.ego_state import EgoState
from nuplan.common.actor_state.state_representation import StateSE2, StateVector2D, TimePoint
from nuplan.common.actor_state.vehicle_parameters import get_pacifica_parameters
from nuplan.planning.simulation.controller.tracker import lqr, tracker_utils
from nuplan.planning.simulation.observation.idm import idm_agent, utils
from nuplan.planning.simulation.trajectory.interpolated_trajectory import InterpolatedTrajectory
from nutrace.speedups.active import speedups

stock = tracker_utils.get_interpolated_reference_trajectory_poses, utils.path_to_linestring
draw, vehicle = random.Random(4), get_pacifica_parameters()

def state(number, start, gap):
    far = 10.0 ** draw.randrange(-3, 7)
    return EgoState.build_from_rear_axle(
        StateSE2(*(draw.uniform(-far, far) for _ in range(2)), draw.uniform(-4.0, 4.0)),
        StateVector2D(draw.uniform(0, 20), 0.0), StateVector2D(draw.uniform(-2, 2), 0.0),
        draw.uniform(-1, 1), TimePoint(start + number * gap), vehicle)

def trajectory():
    start, gap = draw.randrange(10**15, 2 * 10**15), draw.choice((100_000, 500_000, 333_333))
    return InterpolatedTrajectory([state(number, start, gap) for number in range(draw.randrange(2, 20))])

def content(arrays):
    return [(each.dtype, each.shape, each.tobytes()) for each in arrays]

def error(call, *args):
    try:
        return call(*args)
    except Exception as raised:
        return type(raised).__name__

made = []
build = EgoState.from_split_state
with speedups("propagation") as (installed,):
    print(installed.refused)
    get, line = lqr.get_interpolated_reference_trajectory_poses, idm_agent.path_to_linestring
    trajectories = [trajectory() for _ in range(300)]
    equal = sum(content(get(each, 0.1)) == content(stock[0](each, 0.1)) for each in trajectories)
    print(equal, len(trajectories), get is not stock[0])
    EgoState.from_split_state = staticmethod(lambda split: made.append(split) or build(split))
    get(trajectories[0], 0.1)
    EgoState.from_split_state = build
    print(1 - len(made), 1)
    paths = [[state(0, 0, 1).rear_axle for _ in range(draw.randrange(2, 90))] for _ in range(300)]
    print(sum(line(each).wkb == stock[1](each).wkb for each in paths), len(paths))
    print(*(error(each, paths[0][:1] + ["no point"]) for each in (line, stock[1])))
print((lqr.get_interpolated_reference_trajectory_poses, idm_agent.path_to_linestring) == stock)
"""
