"""The devkit's deep copies: as many as cProfile enters, none in the steps, at their true callers.

One simulation serves as both: cProfile counts the standard library's function, nutrace the calls of
what stands in its place.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Tuple

import pytest
from devkit import COMMON, MARKS, SETUPS, SHORT, STEPS, devkit_environment, devkit_script, run_python

import nutrace
from nutrace.analysis.deepcopies import Amount, DeepCopies, deep_copies

pytestmark = [*MARKS, pytest.mark.timeout(600), pytest.mark.xdist_group("devkit-deepcopies")]

_RUNNER = Path(__file__).parent.parent / "devkit_copies.py"
# With the pictures of the summary: matplotlib copies its markers.
_CALLBACKS = (
    "main_callback=[time_callback,metric_file_callback,metric_aggregator_callback,metric_summary_callback]"
)


@pytest.fixture(scope="module")
def copies(devkit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuple[DeepCopies, Any]:
    top = tmp_path_factory.mktemp("copies")
    truth = top / "truth.json"
    environ = devkit_environment(
        OMP_NUM_THREADS="1",
        NUPLAN_DATA_ROOT=str(devkit_data / "dataset"),
        NUPLAN_MAPS_ROOT=str(devkit_data / "dataset" / "maps"),
        NUPLAN_EXP_ROOT=str(top),
        NUTRACE="1",
        NUTRACE_OUTPUT=str(top / "run.json"),
    )
    arguments = [*SETUPS["simple"], *COMMON[:-1], *SHORT, _CALLBACKS]
    done = run_python([str(_RUNNER), str(truth), devkit_script(), *arguments], environ)
    assert done.returncode == 0, done.stderr[-2000:]
    return deep_copies(nutrace.load(top / "run.json")), json.loads(truth.read_text(encoding="utf-8"))


def test_root_calls_are_cprofiles_primitive_calls(copies: Tuple[DeepCopies, Any]) -> None:
    result, truth = copies
    assert result.amount.root_calls == truth["primitive"]
    assert 1000 < result.amount.root_calls < 1200
    assert truth["all"] > 100_000  # which is what cProfile's table shows first
    assert sum(source.nested_calls for source in result.sources) == 0


def test_all_of_them_lie_outside_the_steps(copies: Tuple[DeepCopies, Any]) -> None:
    result, _ = copies
    assert result.steps == STEPS
    assert result.in_steps == result.beside_steps == Amount()


def test_callers_are_omegaconf_hydra_and_matplotlib(copies: Tuple[DeepCopies, Any]) -> None:
    result, _ = copies
    cost: Counter[str] = Counter()
    for source in result.sources:
        assert Path(source.caller.file).is_file()
        text = Path(source.caller.file).read_text(encoding="utf-8").splitlines()[source.caller.line - 1]
        assert "copy(" in text, f"{source.caller} does not copy there: {text}"
        cost[source.caller.function.partition(".")[0]] += source.amount.total_ns
    # The first two copy nearly the same number of objects: either may take longer.
    assert {package for package, _ in cost.most_common(2)} == {"omegaconf", "hydra"}
    assert [package for package, _ in cost.most_common(3)][2] == "matplotlib"


def test_callers_called_as_often_as_cprofile_says(copies: Tuple[DeepCopies, Any]) -> None:
    result, truth = copies
    calls: Counter[str] = Counter()
    for source in result.sources:
        name = source.caller.function.rpartition(".")[2]
        calls[f"{source.caller.file}:{name}"] += source.amount.root_calls
    assert len(calls) > 10
    assert calls == {where: truth["callers"][where] for where in calls}
