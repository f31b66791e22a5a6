from pathlib import Path

import pytest

from autokd.core.onnx_versions import LIMITS_OF_ONNXRUNTIME
from tools.runtimes import ssh_server
from tools.runtimes.installing import Commands, UnavailableError
from tools.runtimes.places import (
    ARM64_RELEASES,
    NODE_RELEASES,
    WHEEL_RELEASES,
    find_sshd,
    release_key,
    runtimes_folder,
    wants_numpy_1,
    wheel_folder,
)
from tools.runtimes.running import all_releases, node_release, own_release, wheel_release


def test_there_is_a_release_for_each_row_of_the_table_but_what_was_newest_once():
    newest = max(LIMITS_OF_ONNXRUNTIME)
    installed = {release_key(name) for name in (*NODE_RELEASES, *WHEEL_RELEASES)}
    assert set(LIMITS_OF_ONNXRUNTIME) - {newest} == installed
    assert set(all_releases()) == installed | {release_key(own_release().name)}


@pytest.mark.parametrize(("name", "old"), [("1.15.1", True), ("1.18.1", True), ("1.19.2", False)])
def test_releases_before_1_19_get_numpy_1(name, old):
    assert wants_numpy_1(name) == old
    assert (":" in wheel_release(name).env["PYTHONPATH"]) == old


def test_the_folder_is_in_the_checkout_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("AUTOKD_RUNTIMES", raising=False)
    checkout = Path(__file__).parents[3]
    assert runtimes_folder() == checkout / ".runtimes"
    assert "/.runtimes/" in (checkout / ".gitignore").read_text().splitlines()
    monkeypatch.setenv("AUTOKD_RUNTIMES", str(tmp_path))
    assert wheel_folder("1.16.3") == tmp_path / "wheel" / "1.16.3"
    assert not node_release("1.10.0").is_there
    assert not wheel_release("1.16.3").is_there
    assert own_release().is_there


def test_sshd_is_found_where_it_is_on_no_ones_path(monkeypatch, tmp_path):
    server = tmp_path / "sshd"
    server.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_sshd() == server


def test_the_system_is_not_changed_without_root(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(UnavailableError, match=r"sudo apt-get install .* openssh-server"):
        ssh_server.ssh_server_piece().install(Commands(seconds=0))


def test_the_oldest_and_the_newest_that_an_emulator_runs_are_tried():
    assert [release_key(name) for name in ARM64_RELEASES] == [(1, 16), (1, 20)]
