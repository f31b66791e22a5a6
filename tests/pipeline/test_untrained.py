"""Files of students that nobody trained."""

import onnx

from autokd.core.device import load_profile
from autokd.export.verify import run_onnx
from autokd.pipeline.untrained import write_untrained
from tests.pipeline.fakes import make_images
from tests.space.conftest import draw_members, make_space


def test_the_file_is_what_the_board_loads_and_gives_as_many_logits_as_there_are_classes(
    tmp_path,
) -> None:
    space = make_space(px=16, channels=1)
    (member,) = draw_members(space, 1)
    target = load_profile("jetson-nano").export
    path = write_untrained(tmp_path / "student.onnx", space.program(member), target)
    model = onnx.load(path)
    assert (model.opset_import[0].version, model.ir_version) == (target.opset, target.ir)
    px = space.program(member).input_px
    images = make_images(3, px=px).images.numpy()
    assert run_onnx(path, images).shape == (3, 10)
