"""Which precision of a winner goes to the board, and why, in words."""

from collections.abc import Sequence
from typing import Literal

from autokd.core.config import ExportConfig
from autokd.core.device import DeviceProfile
from autokd.core.precision import Precision
from autokd.core.results import VariantResult, Winner
from autokd.core.runtime import Takes
from autokd.errors import ConfigError, GateError

Requested = Literal["auto", "fp32", "fp16", "int8"]


def require_precision(config: ExportConfig, profile: DeviceProfile) -> None:
    """Refuse a precision that the device does not run.

    Raises:
        ConfigError: It does not.
    """
    offered = offered_precisions(profile)
    if config.precision not in ("auto", *offered):
        msg = (
            f"--precision {config.precision}: {profile.name} runs {', '.join(offered)}; "
            "give one of these, or auto."
        )
        raise ConfigError(msg)


def offered_precisions(profile: DeviceProfile) -> tuple[Precision, ...]:
    """Give the precisions of the device's default runtime, or of the tool that takes the file."""
    return profile.runtime.precisions if profile.runtime else ("int8",)


def choose(
    requested: Requested, variants: Sequence[VariantResult], *, max_drop: float
) -> tuple[Precision, str]:
    """Give the precision, and a sentence that says why.

    Asked for by name, a precision is taken if it keeps its accuracy. Left to ``auto``, only timings
    that count decide: the fastest of those that passed and are faster than fp32 beyond doubt.

    Args:
        requested: By the person.
        variants: That have a file, fp32 first.
        max_drop: What was allowed, as a fraction.
    """
    others = [v for v in variants if v.precision != "fp32"]
    if requested == "fp32":
        return "fp32", "fp32 was asked for."
    if requested != "auto":
        made = next((v for v in others if v.precision == requested), None)
        if made is not None and made.passed:
            return requested, f"{requested} was asked for; {_loss(made)}{_speed(made)}."
        why = "could not be made" if made is None else _too_much(made, max_drop)
        return "fp32", f"fp32, although {requested} was asked for: it {why}."
    faster = [v for v in others if v.passed and v.ratio_high is not None and v.ratio_high < 1]
    if faster:
        best = min(faster, key=lambda v: v.ratio or 1.0)
        return best.precision, f"{best.precision}: {_loss(best)}{_speed(best)}."
    if not others:
        return "fp32", "fp32 is the only precision that the runtime of this device runs well."
    reasons = "; ".join(f"{v.precision} {_against(v, max_drop)}" for v in others)
    return "fp32", f"fp32: {reasons}."


def choose_for_tool(
    variants: Sequence[VariantResult], takes: Takes, *, max_drop: float
) -> tuple[Precision, str]:
    """Give INT8, the only form that a device without onnxruntime takes, and what it costs.

    Args:
        variants: That have a file, INT8 among them.
        takes: What the device takes.
        max_drop: What was allowed, as a fraction.
    """
    made = next(v for v in variants if v.precision == "int8")
    cost = _loss(made) if made.passed else _too_much(made, max_drop)
    return "int8", f"int8 is the form that {takes.tool} takes; it {cost}."


def require_chosen(config: ExportConfig, winner: Winner) -> None:
    """Refuse a run whose best student is not in the precision that was asked for.

    Raises:
        GateError: It is not.
    """
    if config.precision not in ("auto", winner.chosen):
        msg = (
            f"--precision {config.precision}: the gate failed. {winner.chosen_reason} "
            "The report has the precisions that were tried; raise --max-accuracy-drop, or take "
            "the fp32 file."
        )
        raise GateError(msg)


def times(ratio: float) -> str:
    """Say a ratio of times, such as ``1.80 times faster than fp32``."""
    factor = max(ratio, 1 / ratio)
    side = "faster" if ratio < 1 else "slower"
    return "as fast as fp32" if round(factor, 2) == 1 else f"{factor:.2f} times {side} than fp32"


def _loss(variant: VariantResult) -> str:
    points = 100 * variant.drop
    if points <= 0:
        return "loses nothing on validation images"
    return f"loses {points:.2f} points on validation images"


def _speed(variant: VariantResult) -> str:
    if variant.ratio is None:
        return ", its speed was not compared"
    return f" and is {times(variant.ratio)}"


def _too_much(variant: VariantResult, max_drop: float) -> str:
    return f"{_loss(variant)}, more than the {100 * max_drop:.2f} allowed"


def _against(variant: VariantResult, max_drop: float) -> str:
    if not variant.passed:
        return _too_much(variant, max_drop)
    if variant.ratio is None or variant.ratio_high is None or variant.ratio_low is None:
        return variant.note or "was not timed"
    if variant.ratio_low < 1 <= variant.ratio_high:
        return (
            f"is not clearly faster here ({variant.ratio_low:.2f} to {variant.ratio_high:.2f} "
            "times the time of fp32)"
        )
    return f"is slower here: {variant.ratio:.2f} times the time of fp32"
