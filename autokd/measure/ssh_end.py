"""Why the agent on a board ended without an answer, and what to do about it."""

import signal

from autokd.errors import DeviceError, MeasurementError
from autokd.measure.process import Finished
from autokd.measure.protocol import strip_control

WAITING = "autokd: waiting for "  # of deploy/turn.py, on stderr
_BUSY, _LATE = 75, 124  # of deploy/turn.py

_BY_SIGNAL = {
    "SIGKILL": "most likely by the system for want of memory: see 'dmesg' there.",
    "SIGILL": "this onnxruntime is not built for the processor: install another version there.",
    "SIGSEGV": "onnxruntime crashed: install another version there.",
}


def explain_end(
    done: Finished, *, name: str, live: float, turn: float
) -> DeviceError | MeasurementError:
    """Give the error for an agent that ended by itself and said nothing on stdout.

    Args:
        done: As it ended; its exit status is that of ``deploy/turn.py``.
        name: Of the target.
        live: Seconds that the agent had.
        turn: Seconds that it was to wait for its turn.
    """
    said = strip_control(done.stderr)[-300:]
    if done.status == _LATE:
        return MeasurementError(
            f"{name}: the agent ran longer than {live:.0f} s and was stopped; end other work there."
        )
    if done.status == _BUSY:
        holder = said.rpartition(WAITING)[2] or "another run"
        return DeviceError(
            f"{name}: after {turn:.0f} s the board still measures for {holder}; end that, or try "
            "again later."
        )
    if done.status > 128:
        ended = _signal_name(done.status - 128)
        advice = _BY_SIGNAL.get(ended, "look at who ended it, and measure again.")
        return DeviceError(f"{name}: the agent was ended by {ended}: {advice}")
    last = said or "it said nothing"
    return DeviceError(
        f"{name}: the agent ended with status {done.status} and no answer: {last}. "
        "'autokd doctor --target' looks for the cause."
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
