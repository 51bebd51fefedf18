"""A learned planner in closed loop on the real devkit: its spans, and that its plans stay what they are."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict

import pytest
from devkit import MARKS, STEPS, devkit_environment, run_python, simulate

import nutrace

pytestmark = [*MARKS, pytest.mark.timeout(900), pytest.mark.xdist_group("learned_planner")]

_HERE = Path(__file__).parent
_WORDS = ("~planner.idm_planner", "+planner.learned._target_=learned_planner.LearnedPlanner")


@dataclass
class Runs:
    """The outputs of a run without and with tracing, and the trace."""

    outputs: Dict[str, Any]
    trace: nutrace.Trace


@pytest.fixture(scope="module")
def runs(devkit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    top = tmp_path_factory.mktemp("learned")
    path = f"{_HERE.parent}:{_HERE / 'fakes'}"

    def run(kind: str) -> Any:
        more = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(top / "run.json")} if kind == "traced" else {}
        done = simulate(devkit_data, top / kind, "idm", words=_WORDS, PYTHONPATH=path, **more)
        assert done.returncode == 0, done.stderr[-2000:]
        environ = devkit_environment(PYTHONPATH=path)
        read = run_python([str(_HERE / "devkit_outputs.py"), str(top / kind)], environ)
        assert read.returncode == 0, read.stderr[-2000:]
        return json.loads(read.stdout)

    kinds = ("traced", "plain")
    with ThreadPoolExecutor(2) as pool:
        outputs = dict(zip(kinds, pool.map(run, kinds)))
    return Runs(outputs, nutrace.load(top / "run.json"))


def test_features_model_and_states_lie_in_the_planner(runs: Runs) -> None:
    planned = [span for span in runs.trace if span.name == "planner.compute"]
    assert len(planned) == len(runs.trace.step_indices) == STEPS
    for span in planned:
        phases = [child.name for child in span.children]
        assert phases == ["features.get_from_simulation", "model.forward", "planner.get_states"]
        features, model, _ = span.children
        assert (features.component, model.component) == ("features", "model")
        assert "map.get_proximal_map_objects" in [child.name for child in features.children]
        assert not model.children
    functions = {span.attributes["code.function.name"] for span in runs.trace if span.name == "model.forward"}
    assert functions == {"learned_planner.SceneModel.forward"}


def test_tracing_had_no_faults(runs: Runs) -> None:
    assert runs.trace.diagnostics.faults == 0


def test_the_drive_is_the_same_bit_for_bit(runs: Runs) -> None:
    assert runs.outputs["plain"] == runs.outputs["traced"]
    (simulated,) = runs.outputs["plain"]["simulations"]
    assert len(simulated["iteration"]) == STEPS
