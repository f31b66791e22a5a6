"""What doctor says of plug-ins."""

import json
import sys

from autokd.cli import checks
from autokd.cli.plugin_checks import check_plugins
from tests.plugins.declare import declare


def test_each_plug_in_is_listed_and_none_is_imported(call, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "PACKAGES", ())
    entries = {
        "loss": {"soft": "soft_module:soft", "kd": "soft_module:kd"},
        "target": {"a b": "c:d"},
    }
    declare(monkeypatch, tmp_path / "one", entries, {"soft_module": "raise OSError"})
    code, out, _ = call("doctor", "--json")
    assert code in {0, 2}  # 2: the disk of this machine may be full
    found = [c for c in json.loads(out)["checks"] if c["what"].endswith("plug-in")]
    assert [(c["level"], c["what"], c["found"]) for c in found] == [
        ("warn", "loss plug-in", "kd: soft_module:kd of other-package 2.1"),
        ("ok", "loss plug-in", "soft: soft_module:soft of other-package 2.1"),
        ("warn", "target plug-in", "a b: c:d of other-package 2.1"),
    ]
    assert found[0]["advice"] == (
        "It cannot be used: autokd has a loss 'kd' of its own. Rename it there, or uninstall the "
        "package."
    )
    assert "soft_module" not in sys.modules


def test_one_name_in_two_packages_is_a_warning_at_both(tmp_path, monkeypatch):
    for name in ("one", "two"):
        declare(monkeypatch, tmp_path / name, {"space": {"tiny": "m:t"}}, distribution=name)
    found = check_plugins()
    assert [finding.level for finding in found] == ["warn", "warn"]
    assert all("have one of this name each: uninstall one" in finding.advice for finding in found)
