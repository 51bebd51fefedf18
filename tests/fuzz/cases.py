"""Change run files, profiles and statements at random, and run every command on them.

    python tests/fuzz/cases.py --minutes 60
    python tests/fuzz/cases.py --seed 7 --case 1234        one case again

Each case has its own random numbers, made of the seed and the number of the case. The first line printed is
the seed. A fault is printed with its case, and its files are kept; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, List, Sequence

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.otlp import document
from fuzz.changes import SPAN_NAMES, change, fewer, spans_of
from fuzz.files import damaged, written
from fuzz.texts import changed_text
from fuzz.watch import Fault, bound_memory, watch

from nutrace.sql.text import normalise

_STATEMENTS = (
    "SELECT * FROM lidar_pc WHERE token = ?",
    "SELECT lb.token, lb.x FROM lidar_box AS lb INNER JOIN lidar_pc AS lp ON lb.lidar_pc_token = lp.token "
    "WHERE lp.timestamp BETWEEN 1 AND 99 ORDER BY lp.timestamp ASC LIMIT 1",
    "WITH ordered AS (SELECT token, LEAD(token) OVER (ORDER BY timestamp ASC) AS next FROM lidar_pc) "
    "SELECT next FROM ordered WHERE token = x'00'",
    "INSERT INTO lidar_box (token, x) VALUES (?, 1.5), (?, -2), (x'01', 'it''s')",
    "SELECT count(*) FROM lidar_box WHERE lidar_pc_token IN (?, ?, ?) AND x > -1.5e3 GROUP BY track_token",
    'UPDATE lidar_box SET x = CASE WHEN x > 0 THEN 1 ELSE "x" END '
    "WHERE token IN (SELECT token FROM lidar_pc)",
    "DELETE FROM lidar_box WHERE token LIKE '%a' -- a comment",
    "PRAGMA table_info(lidar_pc)",
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'x')",
)


def sources(folder: Path) -> List[Any]:
    """Real run files: of the demo, with every kind of span, and of a program that never heard of nutrace."""
    run = folder / "run.json"
    environment = dict(os.environ, NUTRACE_SPEEDUPS="all", NUTRACE_DEEPCOPY="detail", NUTRACE_LEVEL="fine")
    subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "demo", "--miniature", "--steps", "4", "-o", str(folder)],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    text = {"db.system": "postgresql", "db.name": "app", "db.statement": "SELECT a FROM b WHERE c = 'd'"}
    foreign = document(
        ("GET /", 0, 900, [("connect", 10, 20, {"db.system": "postgresql"}), ("SELECT app", 30, 500, text)]),
        resource={"service.name": "shop"},
    )
    return [json.loads(run.read_text()), foreign]


def statements(texts: Sequence[str], log: Path) -> Any:
    """A run file whose statements have these texts."""
    tree = [
        (
            SPAN_NAMES[2] if number % 3 else "SELECT",
            number * 10,
            number * 10 + 8,
            {
                "nutrace.component": "database",
                "db.system.name": "sqlite",
                "db.namespace": str(log),
                "db.query.text": text,
                "nutrace.sql.statement": f"{number:016x}",
                "nutrace.sql.execute_ns": 5_000,
                "db.response.returned_rows": number,
            },
        )
        for number, text in enumerate(texts)
    ]
    return document(("main", 0, 10_000, tree))


def make_log(path: Path) -> None:
    """A small database with the tables that the statements name."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE lidar_pc (token BLOB PRIMARY KEY, timestamp INTEGER)")
    connection.execute("CREATE TABLE lidar_box (token BLOB, lidar_pc_token BLOB, track_token BLOB, x REAL)")
    connection.executemany(
        "INSERT INTO lidar_box (token, x) VALUES (?, ?)", [(b"%d" % n, n) for n in range(99)]
    )
    connection.commit()
    connection.close()


def profile_of(folder: Path) -> bytes:
    """A profile that cProfile wrote."""
    profiler = cProfile.Profile()
    profiler.runcall(json.loads, json.dumps([{"a": [1, 2]}] * 9))
    profiler.dump_stats(folder / "real.prof")
    return (folder / "real.prof").read_bytes()


def case(random: Random, folder: Path, runs: List[Any], profile: bytes, log: Path, commands: int) -> None:
    """Make one file, and watch what the commands do with it."""
    if random.random() < 0.3:
        texts = [changed_text(random.choice(_STATEMENTS), random) for _ in range(random.randint(1, 6))]
        for text in texts:
            check_normalised(text)
        made = statements(texts, log)
        if random.random() < 0.3:
            change(made, random, random.choice((1, 3)))
    else:
        made = fewer(random.choice((*runs, runs[0])), random, random.choice((10, 40, 150, 600)))
        for span in spans_of(made):
            for attribute in span["attributes"]:
                if attribute["key"] == "db.namespace" and random.random() < 0.5:
                    attribute["value"] = {"stringValue": str(log)}
        change(made, random, random.choice((1, 2, 5, 20, 100)))
    name, data = written(made, random)
    (folder / name).write_bytes(data)
    # With another id it is another run.
    other = json.dumps(runs[0]).replace(_run_id(runs[0]), "0" * 32)
    (folder / "other.json").write_text(other, encoding="utf-8")
    (folder / "a.prof").write_bytes(damaged(profile, random) if random.random() < 0.5 else profile)
    watch(folder, folder / name, folder / "a.prof", log, commands, random.randrange)


def _run_id(run: Any) -> str:
    attributes = run["resourceSpans"][0]["resource"]["attributes"]
    return next(str(each["value"]["stringValue"]) for each in attributes if each["key"] == "nutrace.run.id")


def check_normalised(text: str) -> None:
    """A text is normalised in time that grows with its length, and always to the same."""
    began = time.perf_counter()
    statement = normalise(text)
    took = time.perf_counter() - began
    if took > 2:
        raise Fault(f"normalise takes {took:.1f} s: {text[:500]!r}")
    if normalise(text) != statement or len(statement.text) > 2 * len(text) + 10:
        raise Fault(f"normalise: {text[:500]!r} becomes {statement!r}")


def fuzz(seed: int, seconds: float, only: int, commands: int, most_faults: int) -> int:
    """Run cases until the time is over; return the number of faults."""
    faults = number = 0
    bound_memory()
    with tempfile.TemporaryDirectory(prefix="nutrace-fuzz-") as name:
        top = Path(name)
        runs, profile = sources(top), profile_of(top)
        end = time.monotonic() + seconds
        while faults < most_faults and (number <= only if only >= 0 else time.monotonic() < end):
            if only < 0 or number == only:
                folder = top / f"case-{number}"
                folder.mkdir()
                log = folder / "log.db"
                make_log(log)
                try:
                    case(Random(f"{seed}:{number}"), folder, runs, profile, log, commands)
                except Fault as fault:
                    faults += 1
                    kept = Path(tempfile.mkdtemp(prefix=f"nutrace-fault-{seed}-{number}-"))
                    shutil.copytree(folder, kept, dirs_exist_ok=True)
                    print(f"\ncase {number} of seed {seed}, files in {kept}:\n{fault}", flush=True)
                shutil.rmtree(folder)
            number += 1
    print(f"{number:,} cases, {faults} faults", flush=True)
    return faults


def main(arguments: Sequence[str]) -> int:
    """Read the arguments, and fuzz."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, help="default: a random one")
    parser.add_argument("--case", type=int, default=-1, help="only this case of the seed")
    parser.add_argument("--commands", type=int, default=8, help="commands run on each file")
    parser.add_argument("--faults", type=int, default=10, help="stop after so many")
    args = parser.parse_args(arguments)
    seed = args.seed if args.seed is not None else Random().randrange(10**6)
    print(f"seed {seed}", flush=True)
    seconds = args.minutes * 60 + args.seconds or 60
    return 1 if fuzz(seed, seconds, args.case, args.commands, args.faults) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
