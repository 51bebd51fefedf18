"""What the shipped catalogue promises about itself; no devkit is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import nutrace.probes.catalogue
from nutrace.errors import ProbeError
from nutrace.probes.catalogue import CATALOGUES, at_level, built_in, planner_catalogues, planner_of
from nutrace.semconv import COMPONENTS, RUN_SPAN, STEP_SPAN
from nutrace.settings import LEVELS

PROBES = built_in()


def test_a_target_is_declared_once() -> None:
    repeated = [target for target, count in Counter(probe.target for probe in PROBES).items() if count > 1]
    assert repeated == []


def test_names_are_dotted_words_without_variable_parts() -> None:
    bad = [
        probe.span_name for probe in PROBES if not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", probe.span_name)
    ]
    assert bad == []


def test_a_name_belongs_to_one_component_and_one_target() -> None:
    # Planners give what they have instead of the devkit's the devkit's name.
    named = [(planner_of(probe), probe.span_name) for probe in PROBES if probe.make is None]
    assert len(set(named)) == len(named)
    # What stands in for several functions that do one thing may say so.
    shared = {probe.span_name for probe in PROBES if probe.make is not None}
    assert not shared & {name for _, name in named}
    pairs = {(probe.span_name, probe.component) for probe in PROBES}
    assert len({name for name, _ in pairs}) == len(pairs)


def test_every_component_of_a_simulation_has_probes() -> None:
    # "other" is for spans that say nothing.
    assert {probe.component for probe in PROBES} == set(COMPONENTS) - {"other"}


def test_names_that_analyses_know_are_declared() -> None:
    names = {probe.span_name: probe for probe in PROBES}
    assert names[RUN_SPAN].note is not None
    assert names[STEP_SPAN].note is not None
    assert names[STEP_SPAN].until is not None


def test_every_probe_says_whose_its_target_is() -> None:
    others = {probe.distribution for probe in PROBES if not planner_of(probe)}
    assert others == {"nuplan-devkit", "hydra-core", "Python", "SQLAlchemy"}
    for planner in planner_catalogues():
        assert {probe.distribution for probe in planner.load()} == {planner.name}


def test_each_level_has_what_the_coarser_one_has_and_more() -> None:
    coarse, normal, fine = (set(at_level(PROBES, level)) for level in LEVELS)
    assert coarse < normal < fine
    assert fine == set(PROBES)
    # The step is what every report divides by.
    assert STEP_SPAN in {probe.span_name for probe in coarse}


def test_unknown_level_is_a_probe_error() -> None:
    with pytest.raises(ProbeError, match="unknown level 'finest': use one of coarse, normal, fine"):
        at_level(PROBES, "finest")


def test_per_row_and_per_agent_functions_are_fine() -> None:
    levels = {probe.qualname: probe.level for probe in PROBES}
    for hot in ("_parse_tracked_object_row", "IDMAgent.propagate", "OccupancyMap.intersects"):
        assert levels[hot] == "fine"


def test_functions_that_workers_pickle_have_no_probe() -> None:
    handed_over = {"run_simulation", "run_metric_engine", "_save_log_to_file", "get_scenarios_from_log_file"}
    assert handed_over & {probe.qualname for probe in PROBES} == set()


def test_every_module_of_probes_is_in_the_list() -> None:
    folder = Path(nutrace.probes.catalogue.__file__).parent
    declaring = {
        ".".join(("nutrace.probes.catalogue", *path.relative_to(folder).with_suffix("").parts))
        for path in folder.rglob("*.py")
        if re.search(r"^PROBES = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert declaring == {catalogue.module for catalogue in CATALOGUES}


def test_listing_probes_imports_neither_their_targets_nor_unneeded_catalogues() -> None:
    code = (
        "import sys, nutrace.probes.catalogue as c\n"
        "assert 'nutrace.probes.catalogue.nuplan_map' not in sys.modules\n"
        "c.collect()\n"
        "assert 'nutrace.probes.catalogue.nuplan_map' in sys.modules\n"
        "assert not {'nuplan', 'hydra', 'torch', 'pandas', 'src', 'navsim'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
