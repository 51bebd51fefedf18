"""``nutrace synth``: write a synthetic nuPlan log and maps, and say how to use them."""

from __future__ import annotations

import argparse
import sys

from nutrace.cli.progress import progress_bar
from nutrace.extras import install
from nutrace.printable import LINE, printable
from nutrace.synthetic.dataset import write_dataset
from nutrace.synthetic.spec import LogSpec


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    default = LogSpec()
    parser.add_argument("directory", metavar="DIR", help="a new or empty directory")
    parser.add_argument(
        "--seconds", type=float, default=default.seconds, metavar="S",
        help="length of the log, 27 to 7200 s (default %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--agents", type=int, default=default.agents, metavar="N",
        help="tracked objects in every frame (default %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--traffic-lights", type=int, default=default.traffic_lights, metavar="N",
        help="traffic lights in every frame (default %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=default.seed, metavar="N",
        help="equal seeds give equal rows (default %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--no-indexes", action="store_true",
        help="leave out the indexes on lidar_pc_token of lidar_box and traffic_light_status",
    )  # fmt: skip
    parser.add_argument(
        "--no-maps", action="store_true",
        help=f"write the log only; the maps need geopandas and pyogrio ({install('maps')})",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Write the data set and print the ``export`` lines; errors are NutraceErrors."""
    spec = LogSpec(
        seconds=args.seconds,
        agents=args.agents,
        traffic_lights=args.traffic_lights,
        seed=args.seed,
        indexes=not args.no_indexes,
    )
    with progress_bar("frames") as progress:
        dataset = write_dataset(args.directory, spec, maps=not args.no_maps, progress=progress)
    print(f"wrote {printable(str(dataset.log_file), LINE)}", file=sys.stderr)
    # Nothing but these goes to stdout, so that eval "$(nutrace synth DIR)" works.
    for line in dataset.exports():
        print(line)
    return 0
