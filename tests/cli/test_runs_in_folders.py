"""Which files of a folder are runs, and the names that load them."""

from __future__ import annotations

import gzip
from pathlib import Path

from fakes.otlp import compact, document

from nutrace.cli.run_files import runs_in


def test_each_run_of_a_folder_once_by_the_name_that_loads_all_of_its_files(tmp_path: Path) -> None:
    run = compact(document(("a", 0, 1)))
    for name in (
        "1.json",
        "2.json.gz",
        "3.json.partial",
        "3.json.shard-5-abc.partial",
        "4.json.gz.partial",
        "4.json.gz.shard-5-abc.partial",
        "5.json.gz.shard-5-abc.partial",
        "10.jsonl.gz",
    ):
        (tmp_path / name).write_bytes(gzip.compress(run) if ".gz" in name else run)
    (tmp_path / "drawing.json").write_bytes(b"{}")
    (tmp_path / "drawing.json.gz").write_bytes(gzip.compress(b"{}"))
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"log"))
    names = ["1.json", "2.json.gz", "3.json", "4.json.gz", "5.json.gz", "10.jsonl.gz"]
    assert runs_in(str(tmp_path)) == [str(tmp_path / name) for name in names]
