"""Contracts that a plug-in keeps, one for each kind, for the tests of whoever writes one.

Such a test is short::

    from autokd.testing import check_loss


    def test_the_loss_keeps_its_contract():
        check_loss("soft-targets")

Each takes the name by which a run would ask for it, so the package must be installed, as with
``pip install -e .``. What comes with autokd keeps the same contracts.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokd.testing.contract import ContractBrokenError
    from autokd.testing.loss import check_loss
    from autokd.testing.space import check_space
    from autokd.testing.strategy import check_strategy
    from autokd.testing.target import check_target

__all__ = ["ContractBrokenError", "check_loss", "check_space", "check_strategy", "check_target"]

_HOME = {
    "ContractBrokenError": "autokd.testing.contract",
    "check_loss": "autokd.testing.loss",
    "check_space": "autokd.testing.space",
    "check_strategy": "autokd.testing.strategy",
    "check_target": "autokd.testing.target",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)
