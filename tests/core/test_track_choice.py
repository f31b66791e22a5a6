import pytest

from autokd.core.track_choice import check_choices, has_password, split_choice


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ("tensorboard", ("tensorboard", None)),
        ("mlflow", ("mlflow", None)),
        ("mlflow:http://host:5000", ("mlflow", "http://host:5000")),
        ("mlflow:sqlite:///runs.db", ("mlflow", "sqlite:///runs.db")),
        ("mlflow:databricks", ("mlflow", "databricks")),
        ("mlflow:http://me@host", ("mlflow", "http://me@host")),
    ],
)
def test_a_choice_is_a_kind_and_an_address(choice, found) -> None:
    assert split_choice(choice) == found


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("wandb", "'wandb' is not known; give tensorboard, mlflow or mlflow:URI"),
        ("", "'' is not known"),
        ("tensorboard:logs", "takes no address"),
        ("tensorboard:", "takes no address"),
        ("mlflow:", "has no address after the colon"),
        ("mlflow:https://me:secret@host", "holds a password.*MLFLOW_TRACKING_PASSWORD"),
        ("mlflow:postgresql://me:secret@host/db", "holds a password"),
    ],
)
def test_what_is_no_choice_is_refused_with_the_rule(choice, text) -> None:
    with pytest.raises(ValueError, match=text):
        split_choice(choice)


def test_a_kind_is_given_once() -> None:
    check_choices(["mlflow:http://host", "tensorboard"])
    with pytest.raises(ValueError, match="mlflow is given twice"):
        check_choices(["mlflow:http://host", "mlflow"])


def test_what_is_no_uri_has_no_password() -> None:
    assert not has_password("http://[oops")
