"""Students as files without any training: their latency is that of the trained ones."""

from pathlib import Path

from autokd.core.codec import write_atomically
from autokd.core.device import ExportTarget
from autokd.export.onnx import build_model
from autokd.export.verify import check_file
from autokd.models.network import build_student
from autokd.space.program import Program


def write_untrained(path: Path, program: Program, target: ExportTarget) -> Path:
    """Write ``program`` with random weights as an ONNX file for ``target``, and give its path.

    Raises:
        ExportError: The file is not what the board loads.
        StorageError: It cannot be written.
    """
    network = build_student(program, seed=0).eval()
    classes = program.layers[-1].channels
    model = build_model(
        program,
        {name: value.numpy() for name, value in network.state_dict().items()},
        target=target,
        mean=(0.5,) * program.image_channels,
        std=(0.25,) * program.image_channels,
        class_names=tuple(str(number) for number in range(classes)),
        metadata={"weights": "random: for timing alone"},
    )
    write_atomically(path, model.SerializeToString())
    check_file(path, target)
    return path
