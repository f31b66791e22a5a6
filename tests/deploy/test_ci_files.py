"""The action and the examples: against published schemas, and the steps that carry a secret run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autokd.cli.main import cli

yaml = pytest.importorskip("ruamel.yaml", reason="comes with check-jsonschema, of the dev extra")

DEPLOY = Path(__file__).parents[2] / "deploy"
ACTION = DEPLOY / "action.yml"
WORKFLOW = DEPLOY / "examples" / "github-workflow.yml"
GITLAB = DEPLOY / "examples" / "gitlab-ci.yml"


def load(path: Path) -> dict:
    return yaml.YAML(typ="safe").load(path)


def check(path: Path, schema: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run check-jsonschema with a schema that it ships; it needs no network."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *options, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


SCHEMAS = [
    (ACTION, ("vendor.github-actions",)),
    (WORKFLOW, ("vendor.github-workflows",)),
    (GITLAB, ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")),
]


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda v: getattr(v, "name", ""))
def test_a_file_keeps_to_its_schema(path, schema) -> None:
    done = check(path, *schema)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda v: getattr(v, "name", ""))
def test_the_schema_finds_a_fault(path, schema, tmp_path) -> None:
    text = path.read_text()
    broken = {
        ACTION: text.replace("using: composite", "using: composit"),
        WORKFLOW: text.replace("runs-on: ubuntu-latest", "runs_on: ubuntu-latest"),
        GITLAB: text.replace("when: always", "when: sometimes"),
    }[path]
    assert broken != text
    (tmp_path / path.name).write_text(broken)
    assert check(tmp_path / path.name, *schema).returncode == 1


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    actionlint = shutil.which("actionlint", path=f"{Path(sys.executable).parent}:{os.defpath}")
    if actionlint is None:
        pytest.skip("actionlint is not installed")
    done = subprocess.run([actionlint, str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actions_of_others_are_pinned_to_a_commit_and_ours_to_a_version() -> None:
    used = [
        line.split("uses:")[1].strip()
        for path in (ACTION, WORKFLOW)
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    assert used
    for one in used:
        ours = one.startswith("OWNER/autokd/deploy@v")
        assert ours or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


def steps() -> dict[str, dict]:
    return {step["name"]: step for step in load(ACTION)["runs"]["steps"]}


@pytest.mark.parametrize("name", steps())
def test_no_input_is_pasted_into_a_script(name) -> None:
    assert "${{" not in steps()[name]["run"]


def test_the_action_hands_on_every_input_and_output() -> None:
    action = load(ACTION)
    passed = {v for s in steps().values() for v in s.get("env", {}).values()}
    assert passed == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    script = steps()["Compare"]["run"]
    for name, output in action["outputs"].items():
        assert output["value"] == f"${{{{ steps.compare.outputs.{name} }}}}"
        assert f'echo "{name}=' in script
    options = set(re.findall(r"add (--[\w-]+)", script)) | {"--json", "--junit"}
    known = {o for p in cli.get_command(None, "compare").params for o in p.opts if o[:2] == "--"}
    assert options == known


def run_step(name: str, tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    for file in ("env", "output"):
        (tmp_path / file).touch()
    runner = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    return subprocess.run(
        ["bash", "-c", steps()[name]["run"]],
        env=runner | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.skipif(not shutil.which("ssh-agent"), reason="needs the OpenSSH client")
def test_the_key_goes_to_an_agent_and_leaves_no_file_and_no_line(tmp_path) -> None:
    key = tmp_path / "made"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    secret = key.read_text()
    key.unlink()
    done = run_step("Hand the board's key to an agent", tmp_path, SSH_KEY=secret.rstrip("\n"))
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    try:
        assert done.returncode == 0, done.stderr
        assert done.stdout + done.stderr == ""
        assert list(tmp_path.glob("key.*")) == []
        held = subprocess.run(
            ["ssh-add", "-L"],
            env={**os.environ, "SSH_AUTH_SOCK": found["SSH_AUTH_SOCK"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert held.stdout.split()[1] == (tmp_path / "made.pub").read_text().split()[1]
    finally:
        done = run_step("Forget the board's key", tmp_path, **found)
    assert done.returncode == 0
    assert not Path(found["SSH_AUTH_SOCK"]).exists()


def test_a_key_that_is_none_fails_leaves_no_file_and_is_not_printed(tmp_path) -> None:
    if not shutil.which("ssh-agent"):
        pytest.skip("needs the OpenSSH client")
    done = run_step("Hand the board's key to an agent", tmp_path, SSH_KEY="not a key, but secret")
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    run_step("Forget the board's key", tmp_path, **found)
    assert done.returncode != 0
    assert "secret" not in done.stdout + done.stderr
    assert list(tmp_path.glob("key.*")) == []


def test_the_file_of_the_key_is_for_its_owner_alone() -> None:
    script = steps()["Hand the board's key to an agent"]["run"]
    assert script.index("umask 077") < script.index("mktemp")
    assert script.index("chmod 600") < script.index("$SSH_KEY")
    assert script.index("trap 'rm -f") < script.index("$SSH_KEY")
    gitlab = "\n".join(load(GITLAB)["device"]["script"])
    assert gitlab.index("chmod 600") < gitlab.index("cat ")
    assert "trap 'rm -f" in gitlab


OUTCOMES = [(0, "pass"), (4, "failed"), (5, "not_comparable"), (7, "invalid"), (2, "error")]


@pytest.mark.parametrize(("code", "outcome"), OUTCOMES)
def test_the_compare_step_gives_the_exit_code_on_and_names_the_outcome(
    tmp_path, code, outcome
) -> None:
    command = tmp_path / "autokd" / "bin" / "autokd"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >&2\necho {{}}\nexit {code}\n')
    command.chmod(0o755)
    given = {
        "BASELINE": "a b",
        "CURRENT": "--c",
        "TARGET": "",
        "DEVICE": "",
        "HOST_KEY": "",
        "MAX_LATENCY_REGRESSION": "5%",
        "MAX_ACCURACY_DROP": "",
        "MIN_ACCURACY": "90%",
        "MAX_SIZE_GROWTH": "",
    }
    done = run_step("Compare", tmp_path, **given)
    assert done.returncode == code
    words = done.stderr.splitlines()
    options = words[3 + words.index("--json") :]
    expected = ["--max-latency-regression", "5%", "--min-accuracy", "90%", "--", "a b", "--c"]
    assert options == expected
    found = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert (found["outcome"], found["exit-code"]) == (outcome, str(code))
    assert Path(found["result"]).read_text() == "{}\n"


def test_the_commands_of_the_examples_can_be_typed() -> None:
    lines = []
    for job in load(WORKFLOW)["jobs"].values():
        lines += [step["run"] for step in job["steps"] if "run" in step]
    for name in ("export", "device"):
        lines += load(GITLAB)[name]["script"]
    commands = [line.split() for line in lines if line.startswith("autokd ")]
    assert {words[1] for words in commands} == {"export", "compare"}
    for words in commands:
        known = {o for p in cli.get_command(None, words[1]).params for o in p.opts}
        assert {word for word in words if word.startswith("--")} <= known
