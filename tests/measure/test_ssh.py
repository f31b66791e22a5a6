"""Boards over ssh, against a real server on loopback."""

import getpass
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autokd.errors import ConfigError, DeviceError
from autokd.measure.local import agent_file, run_agent
from autokd.measure.parity import compare_output
from autokd.measure.ssh_address import parse_address
from autokd.measure.target import UnreachableError, measure_on
from tests.measure.sshd import QUICK, Sshd, a_target, descendants, quick_job


def test_a_model_is_timed_there_and_nothing_is_left(board, make_model, here):
    model = make_model(weight=2.0)
    with a_target(board.start()) as target:
        measured = measure_on(target, model, here, **QUICK)
        lying = board.left()
        again = measure_on(target, model, here, **QUICK)
        assert board.left() == lying, "a file was sent twice"
    assert measured.is_device
    assert measured.target == target.name == f"ssh://{getpass.getuser()}@127.0.0.1:{board.port}"
    assert measured.host.startswith(measured.target)
    assert measured.samples >= 64
    assert again.session == measured.session
    (folder,) = {name.partition("/")[0] for name in lying}
    suffixes = sorted(Path(name).suffix for name in lying if "/" in name and "/." not in name)
    assert suffixes == [".onnx", ".py", ".py"]
    assert all(name.startswith(folder) for name in lying)
    assert not any(name.endswith(".part") for name in lying)
    assert board.wait_until_empty() == []


def test_it_computes_there_what_it_computes_here(board, make_model):
    model = make_model(weight=2.0)
    with a_target(board.start()) as target:
        there = target.bench(quick_job(model, seed=3), model=model)
    here = run_agent(quick_job(model, seed=3))
    found = compare_output(there, here.output.values)
    assert found.agrees
    assert found.same_class
    assert found.max_error == 0.0


def test_a_probe_is_asked_once(board):
    with a_target(board.start()) as target:
        first = target.probe()
        assert target.probe() is first
    assert first.host.machine == os.uname().machine
    assert "CPUExecutionProvider" in first.runtime.providers_available


def test_a_board_that_does_not_come_back_is_given_up(board, make_model, here):
    said = []
    with a_target(board.start(), say=said.append, pauses_seconds=(0.05, 0.1)) as target:
        target.probe()
        board.stop()
        with pytest.raises(UnreachableError, match="did not come back; look at the board's power"):
            measure_on(target, make_model(), here, **QUICK)
    assert len(said) == 2


def test_a_board_that_starts_anew_goes_on_with_the_same_job(board, make_model, here):
    def restart():
        time.sleep(0.3)
        board.start()

    with a_target(board.start(), pauses_seconds=(0.1,) * 40) as target:
        target.probe()
        board.stop()
        thread = threading.Thread(target=restart)
        thread.start()
        measured = measure_on(target, make_model(), here, **QUICK)
        thread.join()
    assert measured.samples >= 64


def series_with_cuts(board, models, profile, cuts, *, every_seconds):
    """Time models one after another while all connections are killed again and again."""
    done, killed = threading.Event(), []

    def cut():
        while len(killed) < cuts and not done.wait(every_seconds):
            if board.cut():
                killed.append(time.monotonic())

    cutter = threading.Thread(target=cut)
    with a_target(board.start(), pauses_seconds=(0.05,) * 60) as target:
        target.probe()
        cutter.start()
        measured = []
        while len(killed) < cuts or len(measured) < len(models):
            model = models[len(measured) % len(models)]
            measured.append(measure_on(target, model, profile, **QUICK))
        done.set()
        cutter.join()
    return len(killed), measured


def test_cuts_lose_no_job(board, make_models, here):
    killed, measured = series_with_cuts(board, make_models(2), here, 3, every_seconds=0.8)
    assert killed == 3
    assert all(found.samples >= 64 for found in measured)
    assert board.wait_until_empty() == []


@pytest.mark.slow
def test_twenty_cuts_in_a_series_lose_no_job(board, make_models, here):
    killed, measured = series_with_cuts(board, make_models(12), here, 20, every_seconds=1.1)
    assert killed == 20
    assert len(measured) >= 12
    assert all(found.samples >= 64 and found.is_device for found in measured)
    assert board.wait_until_empty() == []


def test_two_runs_at_once_take_turns(board, make_models, here):
    models, spans, said = make_models(2), [], []
    board.start()
    with a_target(board) as first:
        first.probe()  # accepts the key

    def go(model):
        with a_target(board, say=said.append) as target:
            for _ in range(2):
                state = target.bench(quick_job(model, seconds=0.7), model=model).state
                spans.append((state.before.utc_seconds, state.after.utc_seconds))

    threads = [threading.Thread(target=go, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spans) == 4
    spans.sort()
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    assert any("waiting for process" in text and "of 127.0.0.1, since 20" in text for text in said)
    assert board.wait_until_empty() == []


def test_a_board_that_stays_busy_is_an_error_that_names_who(board, make_model, here):
    holder = hold_board(board)
    with (
        a_target(board.start(), turn_seconds=0.5) as target,
        pytest.raises(DeviceError, match=r"still measures for process \d+ of this machine, since"),
    ):
        target.probe()
    holder.kill()
    holder.wait()


def test_the_turn_of_a_killed_holder_is_free_at_once(board, make_model):
    holder = hold_board(board)
    for pid in [holder.pid, *descendants(holder.pid)]:
        os.kill(pid, signal.SIGKILL)
    holder.wait()
    assert any(name.endswith(".lock") for name in board.left())
    with a_target(board.start(), turn_seconds=5) as target:
        assert target.probe().ok
    assert board.wait_until_empty() == []


def hold_board(board: Sshd) -> subprocess.Popen:
    """Take the board's turn and sleep."""
    holder = subprocess.Popen(
        [sys.executable, str(agent_file("turn.py")), "1", "60", "sleep", "60"],
        env={**os.environ, "TMPDIR": str(board.temporary), "SSH_CONNECTION": ""},
    )
    while not any(name.endswith(".lock") for name in board.left()):
        time.sleep(0.02)
    time.sleep(0.2)
    return holder


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 127", r"python3 cannot be run there \(status 127\)"),
        ('printf "3.5.2"; exit 93', r"is Python 3\.5\.2, and the agent needs 3\.6 or newer"),
    ],
)
def test_a_board_without_a_fit_python_is_told_how_to_name_another(board, script, words):
    board.write_python(script)
    with a_target(board.start()) as target, pytest.raises(DeviceError, match=words) as caught:
        target.probe()
    assert f"{target.name}/home/me/venv/bin/python3" in str(caught.value)


def test_a_python_that_is_not_there_is_named(board):
    board.python.unlink()
    with a_target(board.start()) as target, pytest.raises(DeviceError, match="cannot be run there"):
        target.probe()


def test_a_board_without_onnxruntime_is_told(board):
    empty = board.folder / "empty" / "onnxruntime"
    empty.mkdir(parents=True)
    (empty / "__init__.py").write_text("raise ImportError('No module named onnxruntime')")
    board.write_python(f'PYTHONPATH={empty.parent} exec {sys.executable} "$@"')
    with (
        a_target(board.start()) as target,
        pytest.raises(
            DeviceError, match="No module named onnxruntime; install numpy and"
        ) as caught,
    ):
        target.probe()
    assert "Name another Python by its path" in str(caught.value)


def test_another_processor_than_the_profiles_is_refused(board, make_model, here):
    other = "aarch64" if os.uname().machine == "x86_64" else "x86_64"
    cpu = here.cpu.model_copy(update={"arch": other})
    with (
        a_target(board.start()) as target,
        pytest.raises(DeviceError, match=f"the profile 'board' is of {other}"),
    ):
        measure_on(target, make_model(), here.model_copy(update={"cpu": cpu}), **QUICK)


def test_an_address_cannot_carry_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("ssh://-oProxyCommand=touch pwned", "ssh://a@-oProxyCommand=touch${IFS}pwned"):
        with pytest.raises(ConfigError):
            parse_address(text)
    assert list(tmp_path.iterdir()) == []
