import sys
import time

import pytest

from tools.runtimes import installing
from tools.runtimes.installing import (
    Commands,
    Piece,
    UnavailableError,
    folder_piece,
    install_all,
)


@pytest.fixture
def commands():
    return Commands(seconds=20)


def fill_with(text):
    return lambda _, folder: (folder / "file").write_text(text)


def refuse(_, folder):
    (folder / "half").write_text("half")
    msg = "the network is down"
    raise UnavailableError(msg)


def test_a_command_gives_what_it_wrote(commands):
    code = "import os; print(os.environ['WORD'])"
    assert commands.run([sys.executable, "-c", code], env={"WORD": "word"}) == "word\n"


def test_a_command_reads_no_keyboard(commands):
    assert commands.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]) == (
        "''\n"
    )


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["no-such-command"], "no-such-command is not installed"),
        (
            [sys.executable, "-c", "raise SystemExit('first\\nE: no such package\\nE: later')"],
            "such",
        ),
        ([sys.executable, "-c", "raise SystemExit('one\\nthe last line')"], ": the last line$"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "failed without a word"),
    ],
)
def test_what_a_command_cannot_do_is_said_in_its_own_words(commands, argv, why):
    with pytest.raises(UnavailableError, match=why):
        commands.run(argv)


def test_all_commands_together_end_in_time():
    commands, started = Commands(seconds=1), time.monotonic()
    with pytest.raises(UnavailableError, match="did not end in time"):
        commands.run([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(UnavailableError, match="no time was left"):
        commands.run([sys.executable, "-c", ""])
    assert time.monotonic() - started < 30


def test_a_folder_is_there_whole_or_not_at_all(commands, tmp_path):
    for fill, whole in ((refuse, False), (fill_with("new"), True)):
        piece = folder_piece("piece", tmp_path / "a" / "piece", fill)
        install_all([piece], commands, say=lambda _: None)
        assert piece.is_there() == whole
        assert [p.name for p in (tmp_path / "a").iterdir()] == ["piece"] * whole


def test_what_an_interrupted_install_left_is_not_kept(commands, tmp_path):
    (tmp_path / "piece.part").mkdir()
    (tmp_path / "piece.part" / "old").touch()
    install_all([folder_piece("p", tmp_path / "piece", fill_with("x"))], commands, say=print)
    assert [p.name for p in (tmp_path / "piece").iterdir()] == ["file"]


def test_a_second_time_nothing_is_done(commands, tmp_path):
    said = []
    for text in ("first", "second"):
        piece = folder_piece("p", tmp_path / "p", fill_with(text))
        install_all([piece], commands, say=said.append)
    assert (tmp_path / "p" / "file").read_text() == "first"
    assert said == ["p: installed in 0 s", "p: is there"]


def test_a_piece_that_cannot_be_had_is_named_and_the_others_go_on(commands, tmp_path):
    said = []

    def full(_):
        raise OSError(28, "No space left on device")

    pieces = [
        folder_piece("net", tmp_path / "net", refuse),
        Piece("disk", lambda: False, full),
        folder_piece("good", tmp_path / "good", fill_with("x")),
    ]
    assert install_all(pieces, commands, say=said.append) == ["net", "disk"]
    assert said[0] == "net: skipped, the network is down"
    assert "No space left" in said[1]
    assert said[2].startswith("good: installed")


def test_errors_of_package_clients_come_first():
    assert installing._last_error("npm warn x\nnpm error code E404\nnpm error 404\n") == (
        "npm error code E404"
    )
