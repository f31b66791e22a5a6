"""The gates of ``autokd compare``: latency, accuracy and size of two students."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from autokd.core.comparison import OUTCOMES, Check, Comparison, Outcome, Pair
from autokd.core.measurement import LatencyMeasurement
from autokd.errors import ConfigError
from autokd.report.cells import percent, points
from autokd.report.compare_accuracy import AccuracyChange, paired_accuracy, unpaired_accuracy
from autokd.report.compare_inputs import Side, certificate_of
from autokd.report.compare_latency import judge_latency

_ROUNDING = 1e-9  # 1100 / 1000 - 1 is above 0.1 in binary
ONE_EACH = "one measurement each, at different times: no interval"


@dataclass(frozen=True, slots=True)
class Gates:
    """What a person allows; None is no gate.

    Attributes:
        max_latency_regression: Relative, of the fastest run, of p50 and of p90.
        max_accuracy_drop: As a fraction of all images.
        min_accuracy: Of the current student.
        max_size_growth: Relative, of the file.
    """

    max_latency_regression: float | None = 0.05
    max_accuracy_drop: float | None = None
    min_accuracy: float | None = None
    max_size_growth: float | None = None


def require_what_gates_read(baseline: Side, current: Side, gates: Gates) -> None:
    """Refuse a gate that nothing could be held against, before anything is timed.

    Raises:
        ConfigError: An accuracy or a size that a gate needs is not known.
    """
    wanted = (
        ("--max-accuracy-drop", gates.max_accuracy_drop, (baseline, current), "accuracy"),
        ("--min-accuracy", gates.min_accuracy, (current,), "accuracy"),
        ("--max-size-growth", gates.max_size_growth, (baseline, current), "size_bytes"),
    )
    for option, limit, sides, field in wanted:
        for side in sides:
            if limit is not None and getattr(side, field) is None:
                what = "size" if field == "size_bytes" else "accuracy"
                msg = (
                    f"{option} {limit:g}: {side.name} says nothing of its {what}; "
                    "give the run folder or its results.json, or leave the option out."
                )
                raise ConfigError(msg)


def compare_sides(
    baseline: Side,
    current: Side,
    gates: Gates,
    rounds: Sequence[Sequence[Pair]] = (),
) -> Comparison:
    """Hold ``current`` against ``baseline``.

    Args:
        baseline: What was there before.
        current: What is new.
        gates: What is allowed.
        rounds: Timed in turns; without any, earlier measurements are compared, which never fail a
            gate: two numbers taken at different times have no interval.
    """
    checks = [
        *_latency(baseline, current, gates, rounds),
        *_accuracy(baseline, current, gates),
        *_size(baseline, current, gates),
    ]
    found = {check.outcome for check in checks}
    outcome: Outcome = next((one for one in OUTCOMES if one in found), "pass")
    return Comparison(
        baseline=baseline.name,
        current=current.name,
        outcome=outcome,
        checks=tuple(checks),
        rounds=tuple(tuple(pairs) for pairs in rounds),
    )


def _latency(
    baseline: Side, current: Side, gates: Gates, rounds: Sequence[Sequence[Pair]]
) -> tuple[Check, ...]:
    limit = gates.max_latency_regression
    if rounds and limit is not None:
        for pair in (pair for pairs in rounds for pair in pairs):
            differences = _differences(baseline, current, pair.baseline, pair.current)
            if differences:
                return (_not_comparable("; ".join(differences), limit),)
        return judge_latency(rounds, limit)
    before, after = baseline.measurement, current.measurement
    if limit is None:
        return (_stored(before, after, "information", "no gate is set", limit=None),)
    return (_judge_stored(baseline, current, limit),)


def _judge_stored(baseline: Side, current: Side, limit: float) -> Check:
    before, after = baseline.measurement, current.measurement
    if before is None or after is None:
        return _lacking(baseline, current, limit)
    differences = _differences(baseline, current, before, after)
    if differences:
        return _not_comparable("; ".join(differences), limit)
    invalid = [one.reason or "no reason was given" for one in (before, after) if not one.valid]
    if invalid:
        why = f"a measurement is INVALID ({invalid[0]})"
        return _stored(before, after, "invalid", why, limit=limit)
    return _judge_one_each(before, after, limit)


def _lacking(baseline: Side, current: Side, limit: float) -> Check:
    lacking = [side.name for side in (baseline, current) if side.measurement is None]
    if len(lacking) == 1:
        return _not_comparable(f"{lacking[0]} has no latency", limit)
    text = "Neither side has a latency; nothing was compared."
    return Check(name="latency", outcome="information", text=text)


def _judge_one_each(before: LatencyMeasurement, after: LatencyMeasurement, limit: float) -> Check:
    if not (before.is_device and after.is_device):
        text = "timed on a host and not on the board, so this is no gate"
        return _stored(before, after, "information", text, limit=limit)
    if after.p50_ms / before.p50_ms - 1 > limit:
        text = (
            f"above the limit of {limit:.1%}, but {ONE_EACH}; "
            "time both in turns with --target to settle it"
        )
        return _stored(before, after, "invalid", text, limit=limit)
    return _stored(before, after, "pass", f"the limit is {limit:.1%}; {ONE_EACH}", limit=limit)


def _stored(
    before: LatencyMeasurement | None,
    after: LatencyMeasurement | None,
    outcome: Literal["pass", "invalid", "information"],
    why: str,
    *,
    limit: float | None,
) -> Check:
    if before is None or after is None:
        return Check(name="latency", outcome=outcome, text=f"Not compared: {why}.")
    change = after.p50_ms / before.p50_ms - 1
    return Check(
        name="latency.p50",
        outcome=outcome,
        unit="ms",
        baseline=before.p50_ms,
        current=after.p50_ms,
        change=change,
        limit=limit,
        method=ONE_EACH,
        text=f"p50 {change:+.1%}: {why}.",
    )


def _differences(
    baseline: Side, current: Side, before: LatencyMeasurement, after: LatencyMeasurement
) -> tuple[str, ...]:
    return certificate_of(before, baseline).differences(certificate_of(after, current))


def _not_comparable(why: str, limit: float) -> Check:
    text = f"Latencies are not comparable: {why}."
    return Check(name="latency", outcome="not_comparable", limit=limit, text=text)


def _accuracy(baseline: Side, current: Side, gates: Gates) -> Iterator[Check]:
    before, after = baseline.accuracy, current.accuracy
    if after is not None and gates.min_accuracy is not None:
        kept = after.value >= gates.min_accuracy
        yield Check(
            name="accuracy.min",
            outcome="pass" if kept else "failed",
            unit="fraction",
            current=after.value,
            limit=gates.min_accuracy,
            method=f"on {after.images} images of the {after.split} split",
            text=f"{percent(after.value)} is {'not ' if kept else ''}below "
            f"{percent(gates.min_accuracy)}.",
        )
    if before is None or after is None:
        return
    limit = gates.max_accuracy_drop
    if (before.data_digest, before.split) != (after.data_digest, after.split):
        text = (
            f"Accuracies are not comparable: {before.split} images of data {before.data_digest} "
            f"against {after.split} images of data {after.data_digest}."
        )
        outcome: Literal["not_comparable", "information"] = (
            "information" if limit is None else "not_comparable"
        )
        yield Check(name="accuracy.drop", outcome=outcome, limit=limit, text=text)
        return
    yield _accuracy_check(before.value, after.value, _accuracy_change(baseline, current), limit)


def _accuracy_change(baseline: Side, current: Side) -> AccuracyChange:
    before, after = baseline.outcomes, current.outcomes
    if before is not None and after is not None and _pair_up(baseline, current):
        return paired_accuracy(before, after)
    assert baseline.accuracy is not None  # noqa: S101 - the caller looked
    assert current.accuracy is not None  # noqa: S101
    return unpaired_accuracy(
        baseline.accuracy.value,
        current.accuracy.value,
        baseline_images=baseline.accuracy.images,
        current_images=current.accuracy.images,
    )


def _pair_up(baseline: Side, current: Side) -> bool:
    """Whether the outcomes kept beside both models are those of the accuracies, image by image."""
    of_same = ("data_digest", "split", "images")
    before, after = baseline.outcomes, current.outcomes
    return all(
        getattr(before, name) == getattr(after, name) == getattr(baseline.accuracy, name)
        for name in of_same
    )


def _accuracy_check(
    before: float, after: float, change: AccuracyChange, limit: float | None
) -> Check:
    shown = (
        f"{percent(before)} to {percent(after)}, {points(change.change)} "
        f"{'less' if change.change < 0 else 'more'}"
    )
    outcome: Literal["information", "failed", "pass"] = "information"
    if limit is None:
        text = f"{shown}; no gate is set."
    elif change.exceeds(limit):
        outcome, text = "failed", f"{shown}, above the drop of {points(limit)} that is allowed."
    elif -change.change > limit:
        outcome, text = "pass", f"{shown}: above {points(limit)}, but within chance."
    else:
        outcome, text = "pass", f"{shown}; a drop of {points(limit)} is allowed."
    return Check(
        name="accuracy.drop",
        outcome=outcome,
        unit="fraction",
        baseline=before,
        current=after,
        change=change.change,
        low=change.low,
        high=change.high,
        limit=limit,
        method=change.method,
        text=text,
    )


def _size(baseline: Side, current: Side, gates: Gates) -> Iterator[Check]:
    before, after, limit = baseline.size_bytes, current.size_bytes, gates.max_size_growth
    if before is None or after is None:
        return
    change = after / before - 1
    outcome: Literal["information", "failed", "pass"] = "information"
    rule = "no gate is set"
    if limit is not None:
        outcome = "failed" if change > limit + _ROUNDING else "pass"
        rule = f"the limit is {limit:+.1%}"
    yield Check(
        name="size.growth",
        outcome=outcome,
        unit="bytes",
        baseline=before,
        current=after,
        change=change,
        limit=limit,
        method="size of the file",
        text=f"{before} to {after} bytes, {change:+.1%}; {rule}.",
    )
