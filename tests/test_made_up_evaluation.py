"""The made-up evaluation that tests/benchmarks/evaluation.py measures is read as what it was made to be."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.evaluation import write_evaluation

from nutrace.trace import load


@pytest.mark.parametrize("parts", [False, True])
def test_readers_find_what_was_made(tmp_path: Path, parts: bool) -> None:
    made = write_evaluation(tmp_path, scenarios=40, steps=7, workers=3, parts=parts)
    trace = load(made.path)
    lost = trace.diagnostics
    assert (len(trace), lost.orphans, lost.duplicates) == (made.spans, 0, 0)
    assert lost.unfinished == 2
    assert lost.cut_short
    read = []
    for each in trace.simulations:
        assert each.span is not None
        pid = trace.threads[trace.thread[each.span]].thread_id
        read.append((each.token, each.type, each.outcome, len(each.steps), pid))
    assert read == [(each.token, each.type, each.outcome, each.steps, each.pid) for each in made.scenarios]
    assert {each.outcome for each in made.scenarios} == {"finished", "failed", "cut short"}
    assert [each.name for each in trace.simulations if each.attempt == 2] == [f"{made.scenarios[17].token}#2"]
    steps = [step for step, name in enumerate(trace.name) if name == "simulation.step"]
    assert all(trace.attributes(step)["nutrace.memory.rss"] > 0 for step in steps)


def test_equal_arguments_make_equal_files(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        texts.append(write_evaluation(tmp_path / name, scenarios=3, steps=3, workers=1).path.read_bytes())
    assert texts[0] == texts[1]
