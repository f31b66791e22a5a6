import dataclasses
from typing import get_args

import pytest

from autokd.core.cost import Limits
from autokd.core.trial import LossName
from autokd.errors import ConfigError
from autokd.pipeline import inputs as loading
from autokd.pipeline.survey import make_space
from tests.pipeline.fakes import CLASSES, Lines, make_config, make_inputs


@pytest.mark.parametrize("loss", get_args(LossName))
@pytest.mark.parametrize("classes", [2, 3])
def test_two_classes_cannot_be_standardised(
    monkeypatch: pytest.MonkeyPatch, classes: int, loss: LossName
) -> None:
    given = make_inputs(make_config(loss=loss))
    dataset = dataclasses.replace(given.dataset, class_names=CLASSES[:classes])
    monkeypatch.setattr(loading, "load_dataset", lambda *_, **__: dataset)
    monkeypatch.setattr(loading, "find_teacher", lambda *_, **__: given.teacher)
    if (loss, classes) == ("logit-std", 2):
        with pytest.raises(ConfigError, match=r"--loss logit-std: there are 2 classes, .* 3"):
            loading.load_inputs(given.config, progress=Lines().progress)
    else:
        inputs = loading.load_inputs(given.config, progress=Lines().progress)
        assert make_space(inputs, Limits()).loss == loss
