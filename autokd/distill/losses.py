"""What a student is trained to make small.

References:
    [Hinton2015]: G. Hinton, O. Vinyals, J. Dean. Distilling the Knowledge in a Neural Network.
        arXiv:1503.02531.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from autokd.core.trial import DistillParams


def kd_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c), taken as constant
    *,
    temperature: float,
) -> Tensor:  # (n,)
    """KL divergence from the softened student to the softened teacher, times temperature squared.

    The factor keeps the size of the gradient about the same for every temperature, section 2 of
    [Hinton2015].
    """
    student = F.log_softmax(student_logits / temperature, dim=1)
    teacher = F.log_softmax(teacher_logits / temperature, dim=1)
    divergence = F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)
    return divergence * temperature**2


def distillation_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor | None,  # (n, c); None only where nothing asks for it
    labels: Tensor,  # (n,), -1 where there is none
    params: DistillParams,
) -> Tensor:  # ()
    """Mean over images of ``(1 - alpha) CE + alpha T^2 KL``, eq. 1 of [Hinton2015] in use.

    A row without a label has alpha = 1. When alpha is 0 and every row has a label this is plain
    cross-entropy, and the teacher's numbers are not read.
    """
    labelled = labels >= 0
    if params.alpha == 0 and bool(labelled.all()):
        return F.cross_entropy(student_logits, labels)
    assert teacher_logits is not None, "no teacher logits to learn from"  # noqa: S101
    taught = kd_loss(student_logits, teacher_logits, temperature=params.temperature)
    plain = F.cross_entropy(student_logits, labels, ignore_index=-1, reduction="none")
    alpha = torch.where(labelled, params.alpha, 1.0)
    return ((1 - alpha) * plain + alpha * taught).mean()
