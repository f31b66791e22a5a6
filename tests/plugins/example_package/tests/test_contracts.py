"""What the author of a plug-in runs: ``pip install -e . && pytest``."""

import sys

from autokd.testing import check_loss, check_space, check_strategy, check_target


def test_the_loss_keeps_its_contract():
    check_loss("logit-mse")


def test_the_strategy_keeps_its_contract():
    check_strategy("hill-climb")


def test_the_space_keeps_its_contract():
    check_space("residual-chain")


def test_the_target_keeps_its_contract():
    check_target(f"interpreter://{sys.executable}")
