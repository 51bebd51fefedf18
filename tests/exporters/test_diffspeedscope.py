"""Two sides as profiles in one speedscope file."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from browsing import text, wait
from fakes.otlp import envelope, write
from hypothesis import given, settings
from made_up import chain, traces
from speedscope_format import check
from two_sides import base_run, built, merged_difference, new_run, run, step

from nutrace.trace import Trace, load
from nutrace_exporters import diffspeedscope
from nutrace_exporters.difference import Difference
from nutrace_exporters.difftree import BASE, NEW

GOLD = Path(__file__).parent.parent / "gold" / "difference.speedscope.json"


def rendered(difference: Difference, **options: Any) -> bytes:
    out = io.BytesIO()
    diffspeedscope.export(difference, out, diffspeedscope.Options(**options))
    return out.getvalue()


def document(difference: Difference, **options: Any) -> Dict[str, Any]:
    made: Dict[str, Any] = json.loads(rendered(difference, **options))
    check(made)
    return made


def stacks(document: Dict[str, Any], profile: int) -> Dict[str, int]:
    names = [frame["name"] for frame in document["shared"]["frames"]]
    chosen = document["profiles"][profile]
    weights: Dict[str, int] = {}
    for stack, weight in zip(chosen["samples"], chosen["weights"]):
        path = "/".join(names[frame] for frame in stack)
        weights[path] = weights.get(path, 0) + weight
    return weights


def test_each_side_has_a_profile_with_its_times_per_step(tmp_path: Path) -> None:
    made = document(built(base_run(tmp_path), new_run(tmp_path)), name="cache")
    assert made["name"] == "cache"
    assert [profile["name"] for profile in made["profiles"]] == [
        "base: old (merged, time per step)",
        "new: fresh (merged, time per step)",
    ]
    assert made["activeProfileIndex"] == NEW
    top = "simulation.step"
    assert stacks(made, BASE) == {
        top: 6_000,
        f"{top}/plan": 11_000,
        f"{top}/plan/rows": 25_000,
        f"{top}/rows": 4_000,
        f"{top}/once": 4_000,
    }
    assert stacks(made, NEW) == {
        top: 10_000,
        f"{top}/plan": 8_000,
        f"{top}/plan/rows": 10_000,
        f"{top}/plan/cache": 2_000,
    }


def test_it_is_the_reviewed_one(tmp_path: Path) -> None:
    output = rendered(built(base_run(tmp_path), new_run(tmp_path)))
    if os.environ.get("NUTRACE_TESTS_REGOLD"):
        GOLD.write_bytes(output)
    assert output.decode() == GOLD.read_text(encoding="utf-8")


def test_what_ran_beside_the_steps_stands_apart(tmp_path: Path) -> None:
    beside = ("worker.map", 10, 90, {"thread.id": 2})
    runs = [run(tmp_path, name, ("simulation.run", 0, 100, [step(0, 0, 50, beside)])) for name in ("a", "b")]
    made = document(built(*runs))
    assert stacks(made, NEW) == {"simulation.step": 50_000, "(beside the steps)/worker.map": 80_000}


def test_the_official_schema_accepts_it(tmp_path: Path, speedscope_package: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((speedscope_package / "dist" / "release" / "file-format-schema.json").read_text())
    jsonschema.validate(document(built(base_run(tmp_path), new_run(tmp_path))), schema)


def test_five_thousand_levels(tmp_path: Path) -> None:
    trace = load(write(tmp_path / "run.json", envelope(chain(5000))))
    made = document(merged_difference(trace, trace))
    assert sum(made["profiles"][NEW]["weights"]) == sum(trace.self_ns)


@settings(max_examples=60, deadline=None)
@given(base=traces(), new=traces())
def test_weights_add_up_to_what_was_measured(base: Trace, new: Trace) -> None:
    if not sum(base.self_ns) or not sum(new.self_ns):
        return
    made = document(merged_difference(base, new))
    assert [sum(profile["weights"]) for profile in made["profiles"]] == [sum(base.self_ns), sum(new.self_ns)]


def test_thirds_of_a_step_are_rounded_to_the_whole(tmp_path: Path) -> None:
    def steps(count: int) -> List[Any]:
        return [step(k, 10 * k, 10 * k + 0.004, ("f", 10 * k, 10 * k + 0.001)) for k in range(count)]

    base = run(tmp_path, "base", *steps(2), step(9, 90, 90.003))
    made = document(built(base, run(tmp_path, "new", *steps(1))))
    # 4 + 4 + 3 ns in three steps, f 2 of them.
    assert sum(made["profiles"][BASE]["weights"]) == 4


@pytest.mark.browser
def test_the_app_shows_both_profiles(tmp_path: Path, speedscope_package: Path, chromium: Any) -> None:
    content = base64.b64encode(rendered(built(base_run(tmp_path), new_run(tmp_path)))).decode()
    script = tmp_path / "profile.js"
    script.write_text(f"speedscope.loadFileFromBase64('run.speedscope.json', '{content}')")
    page = (speedscope_package / "dist" / "release" / "index.html").as_uri()
    chromium.get("about:blank")
    chromium.get(f"{page}#localProfilePath={script}")
    wait(lambda: "new: fresh" in text(chromium, "body"))
    assert "(2/2)" in text(chromium, "body")
