"""``autokd devices new`` on this very host; what it makes of other answers is tests/measure's."""

import json
import os

from autokd.core.device import load_profile, profile_folders


def test_a_probe_of_this_host_becomes_a_profile_of_ones_own(call):
    code, out, _ = call("devices", "new", "my-host", "--target", "local")
    assert code == 0
    path = profile_folders()[0] / "my-host.toml"
    assert str(path) in out.replace("\n", " ")
    assert "devices calibrate my-host --target local" in " ".join(out.split())
    profile = load_profile("my-host")
    assert profile.kind == "host"
    assert profile.cpu.arch == os.uname().machine
    assert profile.cpu.cores.source.startswith("measured by autokd on 20")
    assert call("devices", "check", str(path))[0] == 0
    assert "\nmy-host " in call("devices", "list")[1]


def test_what_is_there_is_not_overwritten(call):
    path = profile_folders()[0] / "my-host.toml"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    code, out, err = call("devices", "new", "my-host", "--target", "local")
    assert (code, out) == (2, "")
    assert "is there already; take another name, or move that file away" in err
    assert path.read_text() == "mine"


def test_a_neighbour_may_be_named_and_the_answer_is_json(call):
    words = ("devices", "new", "my-host", "--target", "local", "--like", "rock-5b", "--json")
    code, out, _ = call(*words)
    assert code == 0
    latency = json.loads(out)["profile"]["runtimes"][0]["latency"]["fp32"]
    assert latency["conv"]["source"] == "estimate: as rock-5b"


def test_a_name_that_is_no_id_is_refused_before_anything_is_asked(call):
    code, _, err = call("devices", "new", "My Board", "--target", "ssh://nobody@nowhere.invalid")
    assert code == 2
    assert "'My Board': a name has lower-case letters, digits and hyphens" in err


def test_an_unknown_neighbour_is_refused_before_anything_is_asked(call):
    words = ("devices", "new", "mine", "--target", "ssh://x@nowhere.invalid", "--like", "rock-5")
    code, _, err = call(*words)
    assert code == 2
    assert "did you mean 'rock-5b'" in err


def test_a_target_that_is_none_is_refused(call):
    code, _, err = call("devices", "new", "mine", "--target", "telnet://board")
    assert code == 2
    assert "is no target" in err
    assert not (profile_folders()[0] / "mine.toml").exists()
