"""The snippets of docs/python.md, run in their order; the runs in them give one that was made."""

import re
import shutil
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

import autokd
from autokd.core.toml import render_toml
from tests.api.conftest import Pictures

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def snippets():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def begun(monkeypatch, done):
    """Settings, folder and module of each run that is begun, in a copy of the real one."""
    calls = []

    def compress(config, run, *, progress, say, module):
        calls.append((config, run, module))
        shutil.copytree(done.result.run, run)
        (run / "config.toml").write_text(render_toml(config.model_dump(mode="json")))
        return done.result.report.model_copy(update={"config": config})

    monkeypatch.setattr("autokd.pipeline.run.compress", compress)
    return calls


def test_the_page_runs_from_top_to_bottom(
    begun, kept, arrays, teacher, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "autokd.toml").write_text("device = 'host'\n[teacher]\nfile = 'model.pt'\n")
    clock = iter(f"{number:06d}" for number in range(100))

    class Now:
        """Gives each run a time of its own, so that their folders differ."""

        def now(self):
            return self

        def astimezone(self):
            return self

        def strftime(self, form):
            return next(clock)

    monkeypatch.setattr("autokd.core.run_folder.datetime", Now())
    images, labels = arrays["train"]
    space = {
        "teacher": teacher,
        "train_set": Pictures(images, labels),
        "test_set": Pictures(*arrays["test"]),
        "loader": DataLoader(Pictures(*arrays["val"]), shuffle=True),
        "images": images,
        "labels": labels,
    }
    blocks = snippets()
    assert len(blocks) == 9
    for block in blocks:
        if block.startswith("data ="):
            _each_form_is_kept(block, space)
        exec(compile(block, str(PAGE), "exec"), space)  # noqa: S102 - our own page
    configs = [config for config, _, _ in begun]
    assert [c.device for c in configs] == ["raspberry-pi-5", "host", "host", "jetson-nano"]
    assert [c.seed for c in configs] == [0, 1, 2, 0]
    assert configs[0].teacher.file == str(tmp_path / "model.pt")
    assert [module is teacher for _, _, module in begun] == [False, False, False, True]
    assert (tmp_path / "latency.svg").is_file()
    assert space["logits"].shape == (2, 10)
    assert len(space["names"]) == len(images)
    assert kept.result.report.verdict in capsys.readouterr().out


def _each_form_is_kept(block, space):
    from autokd.core.cache import cache_folder
    from autokd.core.progress import silent
    from autokd.data.given_store import keep_given

    for line in block.splitlines():
        exec(line, space)  # noqa: S102 - our own page
        folder = keep_given(
            space["data"], cache=cache_folder(), size_px=None, class_names=(), progress=silent
        )
        assert (folder / "train.images.npy").is_file()


def test_what_the_page_says_of_names_is_so():
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`autokd\.(\w+)`", text):
        assert name in autokd.__all__ or name == "errors"
    for name in re.findall(r"`result\.(\w+)`", text):
        assert hasattr(autokd.Result, name)
