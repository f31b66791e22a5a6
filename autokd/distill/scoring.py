"""What a student scores on validation images."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from autokd.data.augment import normalisation, normalise, resize
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
    program = network.program
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
            images = resize(data.validation.images[here].to(device), program.input_px)
            with mixed_precision(device):
                logits = network(normalise(images, numbers, channels=program.image_channels))
            logits, answer = logits.float(), logits.argmax(dim=1)
            right, agreed = (answer == labels[here]).sum(), (answer == named[here]).sum()
            counts.append((right, agreed, F.cross_entropy(logits, labels[here], reduction="sum")))
    # Read back once: on a device each reading waits for all that came before it.
    right_share, agreed_share, loss = (
        sum(torch.stack(column).tolist()) / len(data.validation)
        for column in zip(*counts, strict=True)
    )
    return Score(right_share, agreed_share, loss)
