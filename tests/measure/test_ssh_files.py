"""Files on their way to a real server: cut, too large for its disk."""

import subprocess

import pytest

from autokd.errors import DeviceError, InputError
from autokd.measure.target import measure_on
from tests.measure.sshd import QUICK, Cutter, a_target, quick_job


def test_a_transfer_that_is_cut_is_begun_anew_and_never_taken_for_a_file(
    board, make_model, here, big_model
):
    cutter = Cutter(board.start().port, [300_000])
    seen = []

    def say(text):
        seen.append((text, [n for n in board.left() if n.endswith(".onnx")]))

    with a_target(board, port=cutter.port, say=say) as target:
        measured = measure_on(target, big_model, here, **QUICK)
    cutter.close()
    assert cutter.cuts == 1
    assert measured.samples >= 64
    ((text, named),) = seen
    assert "connecting again in 0.1 s" in text
    assert named == []
    assert board.wait_until_empty() == []


def test_a_file_that_the_board_may_not_write_is_told(board, big_model, here):
    script = board.folder / "force"
    script.write_text('#!/bin/sh\nulimit -f 200\neval "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    with (
        a_target(board.start(force=str(script))) as target,
        pytest.raises(DeviceError, match=r"\(\d+ bytes\) cannot be written to /.*Free some space"),
    ):
        measure_on(target, big_model, here, **QUICK)
    assert board.wait_until_empty() == []


def test_a_full_disk_of_the_board_is_told(board, big_model, here):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(board.temporary)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here; that needs root")
    try:
        with (
            a_target(board.start()) as target,
            pytest.raises(DeviceError, match=r"No space left on device.*Free some space there"),
        ):
            measure_on(target, big_model, here, **QUICK)
        assert board.wait_until_empty() == []
    finally:
        board.stop()
        subprocess.run(["umount", str(board.temporary)], check=True)


def test_a_model_that_is_not_here_is_the_persons_input(board, tmp_path, here):
    with a_target(board.start()) as target, pytest.raises(InputError, match="cannot be read"):
        target.bench(quick_job("x"), model=tmp_path / "none.onnx")
