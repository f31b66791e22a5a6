"""What a run makes sure of before anything is trained."""

import pytest

from autokd.core.plugins import with_plugins
from autokd.errors import PluginError
from autokd.pipeline.named_plugins import require_loss, require_plugins
from tests.pipeline.fakes import make_config
from tests.plugins.declare import declare

LOSS = {"loss": {"soft": "soft_module:soft"}}
FINE = "def soft(s, t, labels, params):\n    return (s - t).square().mean(1)\n"


def begun(**search):
    return with_plugins(make_config(**search), place=lambda kind: kind)


def test_what_comes_with_autokd_needs_nothing():
    require_plugins(make_config())
    require_loss("logit-std", classes=10)


def test_a_run_goes_on_with_the_version_that_it_began_with_and_no_other(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": FINE})
    config = begun(loss="soft")
    require_plugins(config)
    declare(monkeypatch, tmp_path, LOSS, version="2.2")
    with pytest.raises(PluginError, match=r"^--loss soft: the settings are for .* 2\.1, and"):
        require_plugins(config)


def test_a_plug_in_that_is_gone_is_told(tmp_path, monkeypatch):
    with monkeypatch.context() as here:
        declare(here, tmp_path, LOSS, {"soft_module": FINE})
        config = begun(loss="soft")
    with pytest.raises(PluginError, match=r"^--loss soft: there is no loss 'soft'"):
        require_plugins(config)


def test_a_table_that_somebody_changed_is_refused(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": FINE})
    config = begun(loss="soft").model_copy(update={"plugins": ()})
    with pytest.raises(PluginError, match=r"\[\[plugins\]\] is not what the settings name"):
        require_plugins(config)


@pytest.mark.parametrize(
    ("kind", "entry"), [("loss", "soft"), ("strategy", "soft"), ("space", "soft")]
)
def test_what_cannot_be_imported_is_told_before_images_are_read(tmp_path, monkeypatch, kind, entry):
    declare(monkeypatch, tmp_path, {kind: {"soft": f"soft_module:{entry}"}}, {"soft_module": "1/0"})
    with pytest.raises(PluginError, match="failed while being imported: ZeroDivisionError"):
        require_plugins(begun(**{kind: "soft"}))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FINE.replace(".mean(1)", ""), r"it gave \(4, 10\) values for 4 images"),
        (FINE.replace("(s -", "(s.detach() -"), "gives no number that a student could learn from"),
        (FINE.replace(".mean(1)", ".log().mul(0).log().mean(1)"), "could learn from"),
        (FINE.replace("(s - t)", "s[99]"), "IndexError"),
    ],
)
def test_a_loss_is_called_once_before_anything_is_trained(tmp_path, monkeypatch, text, fault):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": text})
    with pytest.raises(PluginError, match=fault):
        require_loss("soft", classes=10)


def test_a_loss_that_works_passes(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": FINE})
    require_loss("soft", classes=2)
