"""Build the table of students that searches are compared on: some hundred, each really trained.

    python tools/build_table.py DATA OUT --worker K/N
    python tools/build_table.py --pack OUT TABLE.jsonl.gz
    python tools/build_table.py --check TABLE.jsonl.gz

DATA is a folder with ``load.py``, ``cifar100/`` and ``teachers/``; nothing of it is kept in the
project. OUT holds what a build needs and a journal for each worker; a killed worker goes on where
it was. Worker K of N trains the students with ``id % N == K``, on one thread. Start one worker
first and let the machine rest until it trains: it measures the pace from which all lengths follow.
"""

import argparse
import sys
from pathlib import Path

import torch

from autokd.errors import AutoKDError
from tools.table.figures import describe_table
from tools.table.journal import Journal, journal_path, pack, read_journals, read_table
from tools.table.points import Design
from tools.table.setup import prepare
from tools.table.source import load_source
from tools.table.training import work


def main() -> None:
    """Do one of the three."""
    given = _arguments()
    try:
        if given.pack:
            out, table = given.pack
            print(f"{table}: {pack(out, table)} students, {table.stat().st_size:,} bytes")
        elif given.check:
            for line in describe_table(*read_table(given.check)):
                print(line)
        else:
            _build(given)
    except AutoKDError as fault:
        msg = f"{type(fault).__name__}: {fault}"
        raise SystemExit(msg) from fault


def _build(given: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    worker, workers = given.worker
    design = Design(full_seconds=given.full_seconds)
    packed_setup, packed = read_table(given.packed) if given.packed else (None, [])
    build = prepare(
        given.out,
        design,
        source_of=lambda: load_source(given.data, seed=design.seed),
        packed=packed_setup,
        progress=_show,
    )
    done = {row.point_id for row in (*packed, *read_journals(given.out))}
    with Journal(journal_path(given.out, worker)) as journal:
        trained = work(
            build,
            journal,
            worker=worker,
            workers=workers,
            done=done,
            most=given.most,
            say=lambda line: print(line, flush=True),
        )
    print(f"worker {worker} of {workers}: {trained} students trained")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT")
    parser.add_argument("--worker", type=_share, default=(0, 1), metavar="K/N")
    parser.add_argument("--packed", type=Path, metavar="TABLE", help="go on with its pace and rows")
    parser.add_argument("--most", type=int, help="stop after so many students")
    parser.add_argument(
        "--full-seconds",
        type=float,
        default=Design().full_seconds,
        help="training time of the last rung (default: %(default)s)",
    )
    parser.add_argument("--pack", type=Path, nargs=2, metavar=("OUT", "TABLE"))
    parser.add_argument("--check", type=Path, metavar="TABLE")
    given = parser.parse_args()
    if given.out is None and not (given.pack or given.check):
        parser.error("give DATA and OUT, or --pack, or --check")
    return given


def _share(text: str) -> tuple[int, int]:
    worker, _, workers = text.partition("/")
    if not (worker.isdigit() and workers.isdigit() and int(worker) < int(workers)):
        msg = f"{text!r} is not K/N with K from 0 to N - 1"
        raise argparse.ArgumentTypeError(msg)
    return int(worker), int(workers)


def _show(what: str, done: float, total: float) -> None:
    print(f"{what}: {done:,.0f} of {total:,.0f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
