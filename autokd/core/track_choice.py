"""Where a run is tracked, as a person names it: ``tensorboard`` or ``mlflow[:URI]``."""

from collections.abc import Iterable
from typing import Literal, get_args
from urllib.parse import urlsplit

TrackerKind = Literal["tensorboard", "mlflow"]
KINDS: tuple[TrackerKind, ...] = get_args(TrackerKind)


def split_choice(choice: str) -> tuple[TrackerKind, str | None]:
    """Give the kind of tracker and its address, None where the tracker's own default holds.

    Raises:
        ValueError: There is no such kind, it takes no address, or the address holds a password.
    """
    name, colon, address = choice.partition(":")
    kind = next((known for known in KINDS if known == name), None)
    if kind is None:
        msg = f"{name!r} is not known; give tensorboard, mlflow or mlflow:URI"
        raise ValueError(msg)
    if kind == "tensorboard" and colon:
        msg = "takes no address; its files are written into the run folder"
        raise ValueError(msg)
    if colon and not address:
        msg = "has no address after the colon; give mlflow:URI, or mlflow for MLflow's own default"
        raise ValueError(msg)
    if has_password(address):
        msg = (
            "holds a password, which would be kept in the run folder; set MLFLOW_TRACKING_USERNAME "
            "and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_URI, and leave it out"
        )
        raise ValueError(msg)
    return kind, address or None


def check_choices(choices: Iterable[str]) -> None:
    """Check each choice.

    Raises:
        ValueError: As `split_choice`, or a kind is given twice.
    """
    seen = set()
    for choice in choices:
        kind, _ = split_choice(choice)
        if kind in seen:
            msg = f"{kind} is given twice; give it once"
            raise ValueError(msg)
        seen.add(kind)


def has_password(address: str) -> bool:
    """Whether a URI holds a password."""
    try:
        return urlsplit(address).password is not None
    except ValueError:  # no URI, then MLflow says what is wrong with it
        return False
