"""Timing of winners where the person asked for it: on the run's target, or on this host."""

from collections.abc import Callable
from pathlib import Path

from autokd.core.closing import Closing
from autokd.core.device import DeviceProfile
from autokd.core.measurement import LatencyMeasurement
from autokd.errors import DeviceError, MeasurementError
from autokd.measure.interleaved import BLOCK_SECONDS, WARMUP_SECONDS
from autokd.measure.target import LOCAL, Target, UnreachableError, measure_on, open_target

BENCH_SECONDS = 5.0


class WinnerTiming(Closing):
    """Times exported files; a machine that cannot is a note in the report, not the end of a run.

    Attributes:
        failure: Why the last file that failed was not timed; None when none failed.
    """

    def __init__(
        self, target: str | None, profile: DeviceProfile, say: Callable[[str], None]
    ) -> None:
        """Prepare; nothing is connected before the first file is timed.

        Args:
            target: Of `RunConfig`; None is this host.
            profile: Of the board.
            say: Told what could not be timed, and why.

        Raises:
            ConfigError: It is no target.
        """
        self.failure: str | None = None
        self._profile = profile
        self._say = say
        self._target: Target = open_target(target or LOCAL, profile, say=say)
        self._is_gone = False

    @property
    def is_device(self) -> bool:
        """Whether what it measures counts as the board's."""
        return self._target.is_device

    def measure(self, model: Path) -> LatencyMeasurement | None:
        """Time a file with the first image of ``sample.npz`` beside it; None when it cannot be.

        A target that does not come back is not asked again: each time would cost minutes.
        """
        return self._measure(model, seconds=BENCH_SECONDS)

    def measure_block(self, model: Path) -> LatencyMeasurement | None:
        """Time a file shortly, as one of a pair; None when that cannot be done."""
        return self._measure(model, seconds=BLOCK_SECONDS, max_warmup_seconds=WARMUP_SECONDS)

    def _measure(
        self, model: Path, *, seconds: float, max_warmup_seconds: float | None = None
    ) -> LatencyMeasurement | None:
        if self._is_gone:
            return None
        try:
            return measure_on(
                self._target,
                model,
                self._profile,
                seconds=seconds,
                sample=model.with_name("sample.npz"),
                max_warmup_seconds=max_warmup_seconds,
            )
        except (DeviceError, MeasurementError) as fault:
            self._is_gone = isinstance(fault, UnreachableError)
            self.failure = str(fault)
            self._say(f"not timed on {self._target.name}: {fault}")
            return None

    def close(self) -> None:
        """End the connection to the target."""
        self._target.close()
