"""From ``--track`` to trackers; the package of each is imported only when its tracker is opened."""

from collections.abc import Sequence
from importlib.util import find_spec

from autokd.core.track_choice import TrackerKind, split_choice
from autokd.errors import ConfigError
from autokd.tracking.courier import Courier
from autokd.tracking.mlflow import MLflowTracker
from autokd.tracking.tensorboard import TensorBoardTracker
from autokd.tracking.tracker import Tracker


def require_packages(choices: Sequence[str]) -> None:
    """Check, without importing, that the package of each tracker is installed.

    Raises:
        ConfigError: One is not.
    """
    for choice in choices:
        kind, _ = split_choice(choice)
        if find_spec(kind) is None:
            msg = (
                f"--track {choice}: the package {kind} is not installed; "
                f"pip install 'autokd[{kind}]', or leave it out."
            )
            raise ConfigError(msg)


def make_couriers(choices: Sequence[str]) -> tuple[Courier, ...]:
    """Give a tracker for each choice, in a thread of its own."""
    return tuple(Courier(choice, _tracker(*split_choice(choice))) for choice in choices)


def _tracker(kind: TrackerKind, address: str | None) -> Tracker:
    return MLflowTracker(address) if kind == "mlflow" else TensorBoardTracker()
