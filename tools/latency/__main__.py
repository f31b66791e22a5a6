"""Holds the latency prediction against published tables.

    python -m tools.latency PUBLISHED.csv NASBENCH_FOLDER [--priors]

First, leave one device out: ten networks of torchvision on eight boards with ncnn, on one thread
and on all cores, predicted by coefficients fitted to the other boards, beside plainer rooflines.
Then the 27 devices of NAS-Bench-201: how well 1,000 networks are ranked, by a profile alone and
after timing 40 others. NASBENCH_FOLDER holds nb201.npz.

With ``--priors`` the coefficients of each board are printed in place of that, fitted to all cores
and drawn towards those of all boards, because ten networks do not settle nine coefficients. They
are what the shipped profiles start from.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autokd.errors import AutoKDError
from autokd.space.latency import COEFFICIENTS
from autokd.space.latency_fit import Belief, fit_prediction
from tools.latency.devices27 import JUDGED, TIMED, Ranking, rank_devices
from tools.latency.left_out import FORMS, NOISE, LeftOut, leave_one_out
from tools.latency.nasbench import read_latencies
from tools.latency.published import BOARDS, Point, PointPredictor, read_points

_TIGHT = 0.3  # how far a board's own coefficients may lie from the common ones, in powers of e


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page.

    Raises:
        SystemExit: A file that was given cannot be used.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("published", type=Path)
    parser.add_argument("nasbench", type=Path)
    parser.add_argument("--priors", action="store_true")
    given = parser.parse_args(arguments)
    try:
        if given.priors:
            print_priors(read_points(given.published, one_thread=False))
            return
        for one_thread in (True, False):
            print_left_out(read_points(given.published, one_thread=one_thread), one_thread)
        operators, latencies = read_latencies(given.nasbench)
    except (AutoKDError, OSError) as fault:
        raise SystemExit(str(fault)) from None
    order = np.random.default_rng(0).permutation(len(operators))[: TIMED + JUDGED]
    drawn = {name: latency_ms[order] for name, latency_ms in latencies.items()}
    print_rankings(rank_devices(operators[order], drawn))


def print_left_out(points: list[Point], one_thread: bool) -> None:
    print(f"\nLeave one device out, {'one thread' if one_thread else 'all cores'}, ", end="")
    print(f"{len(points)} points, {len(BOARDS)} boards")
    print(
        f"{'':32}{'10 %':>7}{'25 %':>7}{'50 %':>7}{'median':>8}{'rank':>13}{'covered':>9}  factor"
    )
    for form in FORMS:
        found: LeftOut = leave_one_out(form, points)
        shares = "".join(f"{found.share_within(part):>7.0%}" for part in (0.1, 0.25, 0.5))
        low, middle = found.rank_correlation
        ranks = f"{low:.2f} {middle:.2f}"
        print(
            f"{form.name:32}{shares}{found.median_error():>8.0%}{ranks:>13}{found.covered:>9.0%}"
            f"  {found.factor:.2f}"
        )


def print_rankings(rankings: list[Ranking]) -> None:
    print(f"\nNAS-Bench-201: rank correlation on {JUDGED} networks; then {TIMED} others timed")
    print(f"{'device':22}{'plain':>8}{'profile':>9}{'plain+40':>10}{'autokd+40':>11}", end="")
    print(f"{'10 %':>8}{'plain':>8}")
    for one in rankings:
        print(
            f"{one.device:22}{one.plain:>8.3f}{one.profile:>9.3f}{one.plain_timed:>10.3f}"
            f"{one.timed:>11.3f}{one.within_10:>8.0%}{one.plain_within_10:>8.0%}"
        )
    columns = ("plain", "profile", "plain_timed", "timed", "within_10", "plain_within_10")
    middles = [float(np.median([getattr(one, name) for one in rankings])) for name in columns]
    print("median".ljust(22) + "".join(f"{value:>9.3f}" for value in middles))


def print_priors(points: list[Point]) -> None:
    common = FORMS[-1].fit(points)
    _print_line("common", common, 1.0)
    for device, board in BOARDS.items():
        own = [point for point in points if point.device == device]
        measured = np.array([point.latency_ms for point in own])
        belief = Belief(common, alone=_TIGHT, together=_TIGHT)
        fitted = fit_prediction(PointPredictor(own), measured, belief, noise=NOISE)
        _print_line(device, fitted.coefficients, board.core_speed)


def _print_line(name: str, coefficients: np.ndarray, core_speed: float) -> None:
    values = dict(zip(COEFFICIENTS, coefficients, strict=True))
    values["per_node_us"] /= core_speed
    values["per_run_us"] /= core_speed
    print(f"{name:22} " + "  ".join(f"{key} {value:.3g}" for key, value in values.items()))


if __name__ == "__main__":
    main()
