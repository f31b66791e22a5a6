"""What a student scores on validation images."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from autokd.data.augment import Normalisation, normalisation, normalise, resize
from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from autokd.distill.placement import mixed_precision
from autokd.models.network import StudentNetwork

# Large enough to hide the cost of each call, small enough to stay near the processor's caches: the
# best of 32, 64, 125, 250, 500 is 64 to 125 for large inputs, by 2 to 3 times over 500, and costs a
# fifth more than that for small ones.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Score:
    """Of one student on all validation images.

    Attributes:
        accuracy: Fraction that is right. An image without a label is right when student and teacher
            agree.
        agreement: Fraction where student and teacher name the same class.
        loss: Mean cross-entropy, against the teacher's class where there is no label.
    """

    accuracy: float
    agreement: float
    loss: float


def score_student(network: StudentNetwork, data: TrainingData) -> Score:
    """Score ``network`` on the validation images; it is left in evaluation mode."""
    device = next(network.parameters()).device
    numbers = normalisation(data.mean, data.std, device)
    named = data.validation_logits.argmax(dim=1)
    labels = torch.where(data.validation.labels >= 0, data.validation.labels, named).to(device)
    named = named.to(device)
    counts: list[tuple[Tensor, Tensor, Tensor]] = []
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(data.validation), BATCH):
            here = slice(start, start + BATCH)
            logits = _batch_logits(network, data.validation.images[here], numbers)
            answer = logits.argmax(dim=1)
            right, agreed = (answer == labels[here]).sum(), (answer == named[here]).sum()
            counts.append((right, agreed, F.cross_entropy(logits, labels[here], reduction="sum")))
    # Read back once: on a device each reading waits for all that came before it.
    right_share, agreed_share, loss = (
        sum(torch.stack(column).tolist()) / len(data.validation)
        for column in zip(*counts, strict=True)
    )
    return Score(right_share, agreed_share, loss)


def student_logits(
    network: StudentNetwork,
    images: ImageSet,
    *,
    mean: Sequence[float],
    std: Sequence[float],
) -> Tensor:  # (n, classes) float32, on the CPU
    """Give what ``network`` says of images, as `score_student` sees it; it is left in evaluation.

    Args:
        network: A student, where it shall compute.
        images: n images.
        mean: Per channel that the student sees, of pixels in 0..1.
        std: Per channel.
    """
    numbers = normalisation(mean, std, next(network.parameters()).device)
    network.eval()
    with torch.inference_mode():
        found = [
            _batch_logits(network, images.images[start : start + BATCH], numbers)
            for start in range(0, len(images), BATCH)
        ]
        return torch.cat(found).cpu()


def _batch_logits(
    network: StudentNetwork,
    images: Tensor,  # (b, h, w, c) uint8
    numbers: Normalisation,
) -> Tensor:  # (b, classes) float32
    program, device = network.program, numbers.scale.device
    resized = resize(images.to(device), program.input_px)
    with mixed_precision(device):
        logits: Tensor = network(normalise(resized, numbers, channels=program.image_channels))
    return logits.float()
