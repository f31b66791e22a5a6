"""What the contracts of all kinds of plug-ins share."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
import torch


class ContractBrokenError(AssertionError):
    """A plug-in does not keep a rule of its contract; a test that meets it fails."""


def broken(what: str, rule: str, found: str) -> NoReturn:
    """Say which rule is broken.

    Raises:
        ContractBrokenError: Always.
    """
    msg = f"{what}: {rule}; {found}."
    raise ContractBrokenError(msg)


@contextmanager
def leaving_chance_alone(what: str) -> Iterator[None]:
    """See that what is called inside draws from no generator that others use too.

    Raises:
        ContractBrokenError: A global generator is not where it was.
    """
    before = _global_generators()
    yield
    for library, was, now in zip(
        ("random", "numpy", "torch"), before, _global_generators(), strict=True
    ):
        if was != now:
            broken(
                what,
                "chance comes from a seed that is given, so that a run can be repeated",
                f"the global generator of {library} was used",
            )


def _global_generators() -> tuple[object, str, bytes]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - the one that must stay as it is
    return random.getstate(), str(state), torch.get_rng_state().numpy().tobytes()
