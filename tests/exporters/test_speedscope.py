from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from fakes.otlp import envelope, trace_of, write
from hypothesis import given, settings
from made_up import chain, sampled_traces, traces
from speedscope_format import check, widths

from nutrace.trace import Trace, load, select
from nutrace_exporters import speedscope

Rendered = Callable[..., bytes]


def document(rendered: Rendered, trace: Trace, **options: Any) -> Dict[str, Any]:
    made: Dict[str, Any] = json.loads(rendered(speedscope, trace, **options))
    check(made)
    return made


def test_official_schema_accepts_it(sample: Trace, rendered: Rendered, speedscope_package: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((speedscope_package / "dist" / "release" / "file-format-schema.json").read_text())
    made = document(rendered, sample)
    jsonschema.validate(made, schema)
    made["profiles"][0]["events"][0]["type"] = "X"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, schema)


def test_generator_and_composite_weigh_what_they_cost(sample: Trace, rendered: Rendered) -> None:
    bars = widths(document(rendered, sample))
    assert ("map.distance", 50_000) in bars
    assert sorted(ns for name, ns in bars if name == "db.rows") == [40_000, 100_000]


def test_each_thread_has_a_profile_that_begins_with_the_run(sample: Trace, rendered: Rendered) -> None:
    profiles = document(rendered, sample)["profiles"]
    assert [profile["events"][0]["at"] for profile in profiles[:2]] == [0, 420_000]
    assert {profile["startValue"] for profile in profiles} == {0}
    assert [profile["name"] for profile in profiles[:2]] == ["thread 1, 2 steps", "thread 2"]


def test_steps_have_their_numbers_and_are_one_frame_in_merged_stacks(
    sample: Trace, rendered: Rendered
) -> None:
    made = document(rendered, sample)
    names = [frame["name"] for frame in made["shared"]["frames"]]
    merged = made["profiles"][-1]
    assert [name for name, _ in widths(made) if "step" in name] == ["simulation.step 0", "simulation.step 1"]
    assert merged["name"] == speedscope.MERGED
    assert made["activeProfileIndex"] == 0
    seen = {names[frame] for stack in merged["samples"] for frame in stack}
    assert {name for name in seen if "step" in name} == {"simulation.step"}
    assert sum(merged["weights"]) == sum(sample.self_ns)


def test_steps_of_several_scenarios_have_the_scenarios_numbers(
    two_scenarios: Trace, rendered: Rendered
) -> None:
    bars = [name for name, _ in widths(document(rendered, two_scenarios))]
    assert bars == [
        "simulation.step 5 of scenario 1",
        "simulation.run of scenario 1",
        "simulation.step 5 of scenario 2",
        "simulation.run of scenario 2",
    ]
    part = select(two_scenarios, scenario=2)
    assert [name for name, _ in widths(document(rendered, part))] == ["simulation.step 5", "simulation.run"]


def test_frames_tell_places_apart(tmp_path: Path, rendered: Rendered) -> None:
    place = {"code.file.path": "a.py", "code.line.number": 1}
    trace = trace_of(
        tmp_path,
        ("f", 0, 1, place),
        ("f", 1, 2, {**place, "code.line.number": 2}),
        ("f", 2, 3, place),
        ("f", 3, 4),
    )
    frames = document(rendered, trace)["shared"]["frames"]
    assert [(f["name"], f.get("line")) for f in frames] == [("f", 1), ("f", 2), ("f", None)]


def test_short_neighbours_are_joined_and_keep_their_time(tmp_path: Path, rendered: Rendered) -> None:
    children = [("a", 0, 3), ("b", 4, 8, [("inner", 5, 6)]), ("long", 10, 60), ("c", 70, 72)]
    trace = trace_of(tmp_path, ("top", 0, 100, children))
    bars = widths(document(rendered, trace, min_ns=10_000))
    assert bars == [
        ("(spans under 10 µs)", 7_000),
        ("long", 50_000),
        ("(spans under 10 µs)", 2_000),
        ("top", 100_000),
    ]


def test_five_thousand_levels(tmp_path: Path, rendered: Rendered) -> None:
    made = document(rendered, load(write(tmp_path / "run.json", envelope(chain(5000)))))
    assert len(made["profiles"][0]["events"]) == 10_000


@settings(max_examples=60, deadline=None)
@given(trace=traces())
def test_any_trace_gives_balanced_events_and_keeps_its_weights(trace: Trace) -> None:
    out = io.BytesIO()
    speedscope.export(trace, out)
    made = json.loads(out.getvalue())
    check(made)
    assert sorted(ns for _, ns in widths(made)) == sorted(trace.busy_ns)


def test_the_schema_accepts_samples(sampled: Trace, rendered: Rendered, speedscope_package: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((speedscope_package / "dist" / "release" / "file-format-schema.json").read_text())
    jsonschema.validate(document(rendered, sampled), schema)


def test_who_has_samples_sees_them_first(sampled: Trace, rendered: Rendered) -> None:
    made = document(rendered, sampled)
    active = made["profiles"][made["activeProfileIndex"]]
    assert active["name"] == "measured and sampled (merged, not a timeline)"
    names = [made["shared"]["frames"][frame]["name"] for frame in active["samples"][4]]
    assert names[:3] == ["thread 1", "simulation.run", "simulation.step"]
    assert names[3:] == ["plan ~sampled", "score ~sampled", "norm ~sampled"]


@settings(max_examples=100, deadline=None)
@given(trace=sampled_traces())
def test_measured_and_sampled_weigh_what_was_measured(trace: Trace) -> None:
    out = io.BytesIO()
    speedscope.export(trace, out)
    made = json.loads(out.getvalue())
    check(made)
    assert sorted(ns for _, ns in widths(made)) == sorted(trace.busy_ns)
    for profile in made["profiles"]:
        if profile["type"] == "sampled":
            assert sum(profile["weights"]) == sum(trace.self_ns)


@pytest.mark.browser
def test_real_app_opens_it(
    sampled: Trace, rendered: Rendered, speedscope_package: Path, chromium: Any, tmp_path: Path
) -> None:
    content = base64.b64encode(rendered(speedscope, sampled, name="my run")).decode()
    script = tmp_path / "profile.js"
    script.write_text(f"speedscope.loadFileFromBase64('run.speedscope.json', '{content}')")
    page = (speedscope_package / "dist" / "release" / "index.html").as_uri()
    chromium.get("about:blank")
    chromium.get(f"{page}#localProfilePath={script}")
    deadline = time.monotonic() + 30
    while "measured and sampled" not in _text(chromium):
        assert time.monotonic() < deadline, f"speedscope shows: {_text(chromium)[:500]}"
        time.sleep(0.2)
    text = _text(chromium)
    assert "my run" in chromium.title or "my run" in text
    assert "Time Order" in text
    assert "Left Heavy" in text
    assert not [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]


def _text(browser: Any) -> str:
    return str(browser.execute_script("return document.body ? document.body.innerText : ''"))
