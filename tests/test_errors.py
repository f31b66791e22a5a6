"""The tree of errors, and the exit code of each."""

import re

import pytest

from autokd import errors

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception)
}


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^ *[*+.-] (\w+) +(\d+) ", errors.__doc__ or "", re.MULTILINE)
    codes = {name: value.exit_code for name, value in CLASSES.items()}
    del codes["AutoKDError"]  # the root, which nothing raises
    assert {name: int(code) for name, code in drawn} == codes


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_documented_and_in_the_tree(name: str) -> None:
    assert issubclass(CLASSES[name], errors.AutoKDError)
    assert CLASSES[name].__doc__


def test_every_exit_code_has_a_name() -> None:
    codes = {value.exit_code for value in CLASSES.values()}
    assert codes <= set(errors.EXIT_NAMES)
    assert len(set(errors.EXIT_NAMES.values())) == len(errors.EXIT_NAMES)


def test_callers_can_catch_input_and_storage_by_their_builtins() -> None:
    assert issubclass(errors.ProfileError, ValueError)
    assert issubclass(errors.StorageError, OSError)


def test_an_interruption_has_the_code_of_its_signal() -> None:
    assert errors.InterruptedRunError("x").exit_code == 130
    assert errors.InterruptedRunError("x", exit_code=143).exit_code == 143
