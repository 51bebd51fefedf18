"""Running the user's program: its outputs go to a new folder, and it is not traced."""

from __future__ import annotations

from pathlib import Path

from nutrace.verify.runs import Run, environment, redirected, run_program

OUTPUT = Path("/runs/stock/output")


def test_words_that_say_where_outputs_go() -> None:
    words = [
        *("python", "run_simulation.py", "planner=simple_planner", "output_dir=/mine", "+group=/mine/exp"),
        *("++hydra.run.dir=x", "planner.output_dir=y", "folder={output}/z", "output_dir={output}/own"),
    ]
    command, replaced = redirected(words, OUTPUT)
    assert command == [
        *("python", "run_simulation.py", "planner=simple_planner", "output_dir=/runs/stock/output/run"),
        *(
            "+group=/runs/stock/output/exp",
            "++hydra.run.dir=/runs/stock/output/hydra",
            "planner.output_dir=y",
        ),
        *("folder=/runs/stock/output/z", "output_dir=/runs/stock/output/own"),
    ]
    assert replaced == ["output_dir=/mine", "+group=/mine/exp", "++hydra.run.dir=x"]


def test_variables() -> None:
    shell = {"PATH": "/bin", "NUTRACE": "1", "NUTRACE_SPEEDUPS": "all", "NUPLAN_EXP_ROOT": "/mine"}
    stock = environment(Run(Path("/runs/stock")), "", shell)
    assert stock == {
        "PATH": "/bin",
        "PYTHONHASHSEED": "0",
        "NUPLAN_EXP_ROOT": "/runs/stock/output",
        "NUTRACE_VERIFY": "/runs/stock/record",
    }
    changed = environment(Run(Path("/runs/with")), "row_cache", {**shell, "PYTHONHASHSEED": "7"})
    assert changed["NUTRACE_SPEEDUPS"] == "row_cache"
    assert changed["PYTHONHASHSEED"] == "7"


def test_what_a_program_prints_is_kept_and_its_progress_is_reported(tmp_path: Path) -> None:
    reported: list[str] = []
    words = ["sh", "-c", "echo out {output}; echo err >&2; echo x > {output}/table.txt; exit 4"]
    run = run_program(words, tmp_path / "stock", "", reported.append)
    assert (run.code, run.ending, run.simulations, run.stderr) == (4, "exit code 4", 0, ["err"])
    assert (run.folder / "stdout.txt").read_text() == f"out {tmp_path}/stock/output\n"
    assert (run.output / "table.txt").exists()
    assert reported[0] == "stock: 0 simulations begun"
    assert reported[-1] == "stock: reading metric files"
