import click
import pytest
from click.testing import CliRunner

from autokd.cli.group import LazyCommand, LazyGroup

TABLE = {
    "bench": LazyCommand("autokd.cli.bench", "bench", "Time a file."),
    "ghost": LazyCommand("autokd.cli.no_such_module", "ghost", "Is not there."),
}


@pytest.fixture
def group() -> LazyGroup:
    return LazyGroup("tool", table=TABLE)


def test_the_help_lists_commands_in_order_and_imports_none_of_them(group: LazyGroup) -> None:
    shown = CliRunner().invoke(group, ["--help"])
    assert shown.exit_code == 0
    assert shown.output.endswith("Commands:\n  bench  Time a file.\n  ghost  Is not there.\n")


def test_a_command_is_imported_when_it_is_asked_for(group: LazyGroup) -> None:
    context = click.Context(group)
    assert group.get_command(context, "bench").name == "bench"
    assert group.get_command(context, "none") is None
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        group.get_command(context, "ghost")


@pytest.mark.parametrize(
    ("word", "hint"), [("bnch", "did you mean 'bench'?"), ("xyz", "known: bench, ghost.")]
)
def test_an_unknown_command_is_answered_with_the_nearest(group, word: str, hint: str) -> None:
    shown = CliRunner().invoke(group, [word])
    assert shown.exit_code == 2
    assert f"no such command '{word}'; {hint}" in shown.output
