import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from autokd.core.config import TeacherConfig
from autokd.core.progress import silent
from autokd.errors import TeacherError, UntrustedCodeError
from autokd.teacher.load import Teacher, load_teacher

CLASSES = ("ant", "bee", "cat")


def _load(file: Path, *, trust_code: bool) -> Teacher:
    return load_teacher(
        TeacherConfig(file=str(file), trust_code=trust_code),
        class_names=CLASSES,
        image_px=16,
        image_channels=3,
        progress=silent,
    )


@pytest.fixture(params=["torchscript", "exported", "module", "legacy module", "checkpoint"])
def file_with_code(request: pytest.FixtureRequest, tiny: nn.Module, tmp_path: Path) -> Path:
    """The tiny network in each format that runs code, under one name."""
    file = tmp_path / "model.pt"
    if request.param == "torchscript":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.trace(tiny, torch.zeros(1, 3, 16, 16)), file)
    elif request.param == "exported":
        program = torch.export.export(tiny, (torch.zeros(2, 3, 16, 16),))
        torch.export.save(program, tmp_path / "model.pt2")
        (tmp_path / "model.pt2").rename(file)
    else:
        network = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16 * 3, 3)).eval()
        saved = {"model": network, "epoch": 1} if request.param == "checkpoint" else network
        zipped = request.param != "legacy module"
        torch.save(saved, file, _use_new_zipfile_serialization=zipped)
    return file


def test_a_format_that_runs_code_is_refused_with_the_reason(file_with_code: Path) -> None:
    with pytest.raises(UntrustedCodeError, match=r"any code.*not loaded.*--trust-code"):
        _load(file_with_code, trust_code=False)


def test_a_person_can_vouch_for_it(file_with_code: Path, images: torch.Tensor) -> None:
    teacher = _load(file_with_code, trust_code=True)
    assert teacher.card.kind in ("torchscript", "exported", "module")
    assert teacher.card.classes == 3
    assert teacher.logits(images).shape == (5, 3)


def test_an_archive_of_one_fixed_batch_gives_the_network_s_own_logits(
    tiny: nn.Module, tmp_path: Path, images: torch.Tensor
) -> None:
    program = torch.export.export(tiny, (torch.zeros(2, 3, 16, 16),))
    torch.export.save(program, tmp_path / "model.pt2")
    teacher = _load(tmp_path / "model.pt2", trust_code=True)
    with torch.inference_mode():
        expected = tiny(images.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(teacher.logits(images), expected)


@pytest.mark.parametrize("kind", ["torchscript", "exported"])
def test_a_damaged_archive_is_an_input_error_even_when_trusted(
    tiny: nn.Module, tmp_path: Path, kind: str
) -> None:
    import zipfile

    members = {
        "torchscript": ("m/constants.pkl", "m/code/__torch__.py"),
        "exported": ("m/archive_format", "m/models/model.json"),
    }
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        for name in members[kind]:
            archive.writestr(name, b"nonsense")
    with pytest.raises(TeacherError, match=r"model\.pt2: cannot be loaded"):
        _load(tmp_path / "model.pt2", trust_code=True)
