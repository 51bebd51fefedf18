"""What a driver of Ray hands to the workers of a cluster; tests/test_ray_cluster.py runs two nodes."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any, Dict, Optional

import pytest

from nutrace.recording import ray_cluster

OURS = {"NUTRACE": "1", "NUTRACE_LEVEL": "fine"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"env_vars": OURS}),
        ({"runtime_env": None}, {"env_vars": OURS}),
        ({"runtime_env": {"pip": ["x"]}}, {"pip": ["x"], "env_vars": OURS}),
        (
            {"runtime_env": {"env_vars": {"A": "b", "NUTRACE_LEVEL": "coarse"}}},
            {"env_vars": {"A": "b", "NUTRACE": "1", "NUTRACE_LEVEL": "coarse"}},
        ),
        (
            {"job_config": SimpleNamespace(runtime_env={"env_vars": {"A": "b"}})},
            {"env_vars": {"A": "b", **OURS}},
        ),
    ],
)
def test_what_the_program_sets_wins(given: Dict[str, Any], expected: Dict[str, Any]) -> None:
    before = json.dumps(given, default=vars)
    arguments = ray_cluster._with_variables({**given, "namespace": "n"}, OURS)
    assert (arguments["runtime_env"], arguments["namespace"]) == (expected, "n")
    assert json.dumps(given, default=vars) == before  # the program's own objects stay as they are


def test_a_variable_of_the_jobs_submission_is_not_set_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray refuses to start a driver that sets it again."""
    submitted = {"runtime_env": {"env_vars": {"NUTRACE": "1"}}}
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps(submitted))
    assert ray_cluster._with_variables({}, OURS)["runtime_env"] == {"env_vars": {"NUTRACE_LEVEL": "fine"}}


@pytest.mark.parametrize(
    ("address", "variable", "running", "joins"),
    [
        (None, None, None, False),
        (None, None, "10.0.0.1:6379", True),
        (None, "10.0.0.1:6379", None, True),
        ("local", "10.0.0.1:6379", "10.0.0.1:6379", False),
        ("auto", None, None, True),
        ("ray://10.0.0.1:10001", None, None, True),
    ],
)
def test_workers_that_ray_starts_itself_inherit(
    monkeypatch: pytest.MonkeyPatch,
    address: Optional[str],
    variable: Optional[str],
    running: Optional[str],
    joins: bool,
) -> None:
    services = SimpleNamespace(find_bootstrap_address=lambda folder: running)
    monkeypatch.setitem(sys.modules, "ray._private.services", services)  # type: ignore[arg-type]
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert ray_cluster._joins_cluster(address) == joins


def test_a_path_that_is_no_text_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTRACE_OUTPUT", "a\udcffb.json")
    monkeypatch.setenv("NUTRACE_LEVEL", "fine")
    variables = ray_cluster._variables()
    assert "NUTRACE_OUTPUT" not in variables
    assert variables["NUTRACE_LEVEL"] == "fine"


def test_without_ray_nothing_is_asked() -> None:
    assert "ray" not in sys.modules
    assert ray_cluster.is_worker() is False
    assert ray_cluster.heard_of("run") == []
    ray_cluster.forget_notes("run")
