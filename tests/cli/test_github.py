import pytest

from autokd.cli.github import (
    MOST_LINES,
    annotate_warnings,
    append_step_summary,
    workflow_command,
)


def test_a_text_of_many_lines_is_one_command() -> None:
    text = "100 % of\nwhat\r\nfollows ::error::x"
    command = workflow_command("error", text)
    assert command == "::error title=autokd::100 %25 of%0Awhat%0D%0Afollows ::error::x"
    assert len(command.splitlines()) == 1


@pytest.mark.parametrize(("value", "lines"), [("true", MOST_LINES), ("", 0), (None, 0)])
def test_warnings_are_few_and_for_github_alone(monkeypatch, capsys, value, lines) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    annotate_warnings(tuple(f"warning {n}" for n in range(40)))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("::warning title") == lines


def test_text_and_files_are_added_to_the_summary(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "summary.md").write_text("# file\n")
    append_step_summary("# text\n")
    append_step_summary(tmp_path / "summary.md")
    assert (tmp_path / "step.md").read_text() == "# text\n# file\n"
    append_step_summary(tmp_path / "none.md")
    assert "was not added to GITHUB_STEP_SUMMARY" in capsys.readouterr().err


def test_without_a_job_nothing_is_read_or_written(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    append_step_summary(tmp_path / "none.md")
    assert capsys.readouterr() == ("", "")
