"""Prove the latency gate: how often it fails a model held against itself, and finds a slower one.

    python tools/gate_simulation.py slower STUDENT.onnx SLOWER.onnx --change 8%
    python tools/gate_simulation.py live STUDENT.onnx SLOWER.onnx days.jsonl --days 200
    python tools/gate_simulation.py replay days.jsonl --days 2000
    python tools/gate_simulation.py table days.jsonl

``slower`` adds real work to a student until it takes so much longer. ``live`` really runs the
comparisons with the agent on this machine, days of both kinds in turns, each written at once: a
stopped run goes on. ``replay`` draws more days from the pairs that ``live`` timed.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from autokd.core.device import load_profile
from autokd.core.measurement import LatencyMeasurement
from autokd.measure.interleaved import BLOCK_SECONDS, WARMUP_SECONDS, Side, TimeBlock
from autokd.measure.target import measure_on, open_target
from autokd.report.compare_latency import change_of
from tools.gate.days import KINDS, append_day, in_turns, live_day, read_days
from tools.gate.figures import HEAD, RULE, row, table
from tools.gate.replay import recorded, replay, spread
from tools.gate.slower import slow_down

LIMIT = 0.05  # the default of --max-latency-regression


def main(arguments: list[str] | None = None) -> None:
    given = parse(arguments)
    given.run(given)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    slower = commands.add_parser("slower", help="write a student with more work")
    slower.add_argument("model", type=Path)
    slower.add_argument("out", type=Path)
    slower.add_argument("--change", type=percent, default=0.08, metavar="P")
    slower.set_defaults(run=run_slower)
    live = commands.add_parser("live", help="really run days of comparisons")
    live.add_argument("model", type=Path)
    live.add_argument("slower", type=Path)
    live.add_argument("days_file", type=Path)
    live.add_argument("--days", type=int, default=200, help="of each kind")
    live.set_defaults(run=run_live)
    again = commands.add_parser("replay", help="draw days from recorded pairs")
    again.add_argument("days_file", type=Path)
    again.add_argument("--days", type=int, default=2000)
    again.set_defaults(run=run_replay)
    shown = commands.add_parser("table", help="print the rates of a file of days")
    shown.add_argument("days_file", type=Path)
    shown.set_defaults(run=lambda given: print(table(read_days(given.days_file))))
    for command in (slower, live):
        command.add_argument("--target", default="local")
        command.add_argument("--device", default="host")
        command.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def percent(text: str) -> float:
    return float(text.removesuffix("%")) / 100


def run_slower(given: argparse.Namespace) -> None:
    filters, pairs = slow_down(given.model, given.out, change=given.change, timer=timer_of(given))
    found = change_of(pairs, "min")
    print(
        f"{given.out.name}: {filters} more filters, the last try was {found.change:+.1%} "
        f"({found.low:+.1%} to {found.high:+.1%})"
    )


def run_live(given: argparse.Namespace) -> None:
    make = timer_of(given)
    timers = {"same": make(given.model, given.model), "slower": make(given.model, given.slower)}
    days = read_days(given.days_file)
    for kind in in_turns(days, given.days):
        day = live_day(kind, timers[kind], limit=LIMIT, load=lambda: os.getloadavg()[0])
        append_day(given.days_file, day)
        days.append(day)
        changes = ", ".join(f"{change:+.1%}" for change in day.change)
        print(f"{len(days)} {kind}: {day.outcome} ({changes}) in {day.seconds:.1f} s", flush=True)
    print(table(days))


def run_replay(given: argparse.Namespace) -> None:
    days = read_days(given.days_file)
    print(HEAD)
    print(RULE)
    for kind in KINDS:
        series = recorded(days, kind)
        played = replay(series, kind=kind, days=given.days, limit=LIMIT)
        noise = ", ".join(f"{spread(series, which):.1%}" for which in range(3))
        print(row(f"{kind}, {len(series)} pairs; blocks differ by {noise}", played))
    series = recorded(days, "same")
    for factor in (1.05, 1.08, 1.10):
        played = replay(series, kind="slower", days=given.days, limit=LIMIT, factor=factor)
        print(row(f"the same, times multiplied by {factor}", played))


def timer_of(given: argparse.Namespace) -> Callable[[Path, Path], TimeBlock]:
    """Give what makes a timer of two files; the target stays open to the end of the process."""
    profile = load_profile(given.device)
    target = open_target(given.target, profile)

    def make(baseline: Path, current: Path) -> TimeBlock:
        files: dict[Side, Path] = {"baseline": baseline, "current": current}

        def time_block(side: Side) -> LatencyMeasurement:
            return measure_on(
                target,
                files[side],
                profile,
                seconds=BLOCK_SECONDS,
                threads=given.threads,
                max_warmup_seconds=WARMUP_SECONDS,
            )

        return time_block

    return make


if __name__ == "__main__":
    main()
