"""What a student is trained to make small: ways to learn from a teacher, by name.

Each loss of `LOSSES`, and each that is a plug-in, gives what an image is worth, of the logits of
both sides alone; `distillation_loss` mixes that with cross-entropy. The weights that a paper puts
inside its loss are constants here; temperature and alpha are the two numbers that are searched. A
common factor of a whole loss is not kept: it only moves the learning rate.

References:
    [Hinton2015]: G. Hinton, O. Vinyals, J. Dean. Distilling the Knowledge in a Neural Network.
        arXiv:1503.02531.
    [Zhao2022]: B. Zhao, Q. Cui, R. Song, Y. Qiu, J. Liang. Decoupled Knowledge Distillation.
        arXiv:2203.08679.
    [Huang2022]: T. Huang, S. You, F. Wang, C. Qian, C. Xu. Knowledge Distillation from A Stronger
        Teacher. arXiv:2205.10536.
    [Sun2024]: S. Sun, W. Ren, J. Li, R. Wang, X. Cao. Logit Standardization in Knowledge
        Distillation. arXiv:2403.01427.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from autokd.core.plugins import blaming, load_plugin
from autokd.core.trial import DistillParams
from autokd.errors import PluginError

# Student logits (n, c), teacher logits (n, c), labels (n,) with -1 where there is none -> (n,).
# The teacher is taken as constant. A value that belongs to the batch stands in every row.
Loss = Callable[[Tensor, Tensor, Tensor, DistillParams], Tensor]

# Of NCKD, where TCKD has 1. The published recipes for CIFAR-100 take 2 for small ResNets and up to
# 8 for others. 8 is too much for short trainings: 6 epochs of 8,000 images of 20 classes, 2 seeds,
# gave a ResNet-8 of 16 px 45 and 42 % validation accuracy with 2, at alpha 0.5 and 0.9, but 38 and
# 30 % with 8; KD gave 45 % at both.
DKD_BETA = 2.0
# Of the correlation over the classes of an image, and of that over the images of a class.
DIST_BETA = 2.0
DIST_GAMMA = 2.0
# Of the divergence of standardised logits, where the paper gives cross-entropy 0.1.
LOGIT_STD_WEIGHT = 9.0

# Deviations below this are not stretched to one: the gradient grows with the inverse of the
# deviation, and a student that says nothing yet would be thrown far away. For logits, which are of
# order one, and for probabilities over their mean.
FLATTEST = 1e-3
# Of the mean probability of a class over a batch: below, float32 has no digits left to compare.
SMALLEST_MEAN = 1e-12


def distillation_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor | None,  # (n, c); None only where nothing asks for it
    labels: Tensor,  # (n,), -1 where there is none
    params: DistillParams,
) -> Tensor:  # ()
    """Mean over images of ``(1 - alpha) CE + alpha taught``, with the loss that ``params`` names.

    A row without a label has alpha = 1. Without teacher logits this is plain cross-entropy, as
    alpha = 0 is where every row has a label.

    Raises:
        PluginError: The loss is a plug-in that is not installed, or does not work.
    """
    if teacher_logits is None:
        return F.cross_entropy(student_logits, labels)
    labelled = labels >= 0
    taught = loss_named(params.loss)(student_logits, teacher_logits, labels, params)
    plain = F.cross_entropy(student_logits, labels, ignore_index=-1, reduction="none")
    alpha = torch.where(labelled, params.alpha, 1.0)
    return ((1 - alpha) * plain + alpha * taught).mean()


def kd_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c)
    labels: Tensor,  # (n,)  # noqa: ARG001 - it needs none
    params: DistillParams,
) -> Tensor:  # (n,)
    """KL divergence from the softened student to the softened teacher, times temperature squared.

    The factor keeps the size of the gradient about the same for every temperature, section 2 of
    [Hinton2015].
    """
    temperature = params.temperature
    softened = _divergence(student_logits / temperature, teacher_logits / temperature)
    return softened * temperature**2


def dkd_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c)
    labels: Tensor,  # (n,)
    params: DistillParams,
) -> Tensor:  # (n,)
    """``T^2 (TCKD + 2 NCKD)``, section 3 of [Zhao2022]: the two parts of KD, weighed anew.

    TCKD compares the target with all other classes together, NCKD the other classes among
    themselves. KD is ``T^2 (TCKD + q NCKD)``, where q is the probability that the teacher leaves to
    the other classes: of a sure teacher the student hears little about them. With two classes there
    is nothing to hear, and this is KD.

    The target is the label. A row without one takes the class that the teacher names: the parts add
    up to KD for any class, and this is the one that makes q small.

    The paper's alpha and beta, weights of the two parts, are 1 and `DKD_BETA`; our alpha weighs
    their sum. The paper adds cross-entropy as it is: our alpha is 0.5. In its recipe the weight
    grows over the first 20 of 240 epochs; that is left out, because a loss here knows no time.
    """
    temperature = params.temperature
    named = torch.where(labels >= 0, labels, teacher_logits.argmax(dim=1))
    student_split, student_others = _split(student_logits / temperature, named)
    teacher_split, teacher_others = _split(teacher_logits / temperature, named)
    target = _divergence(student_split, teacher_split)
    others = _divergence(student_others, teacher_others)
    return (target + DKD_BETA * others) * temperature**2


def dist_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c)
    labels: Tensor,  # (n,)  # noqa: ARG001 - it needs none
    params: DistillParams,
) -> Tensor:  # (n,)
    """``2 (1 - r of the image) + 2 (1 - mean r of the classes)``, as [Huang2022] relates them.

    r is Pearson's correlation of student and teacher: of an image over the probabilities of its
    classes, of a class over its probabilities in the images of the batch. So the student may be
    less sure than its teacher, as long as it sees the same order and the same steps.

    The second term belongs to the batch. It is the same for every row, and so is weighed by their
    mean alpha; in a batch of one image it is constant.

    The paper's beta and gamma, weights of the two terms with cross-entropy at 1, are `DIST_BETA`
    and `DIST_GAMMA`: our alpha is 0.5. Temperature softens both sides before they are compared. Its
    square is no factor, as it is in some published code: the gradient of a correlation hardly falls
    as temperature rises, so that temperature would only be another alpha.
    """
    student = F.softmax(student_logits / params.temperature, dim=1)
    teacher = F.softmax(teacher_logits / params.temperature, dim=1)
    of_images = 1 - _correlation(student, teacher, dim=1)
    of_classes = 1 - _correlation(student, teacher, dim=0)
    return DIST_BETA * of_images + DIST_GAMMA * of_classes.mean()


def logit_std_loss(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c)
    labels: Tensor,  # (n,)
    params: DistillParams,
) -> Tensor:  # (n,)
    """9 times KD of logits that have mean 0 and deviation 1 in each row, algorithm 2 of [Sun2024].

    Nothing but the shape of a row counts, so that a small student need not reach the range of its
    teacher, and one temperature suits students of different scale. Two classes have only one
    shape: there the gradient is zero, and the caller must not ask for it.

    Our temperature is the paper's base temperature, 2 or 3 there. The paper gives cross-entropy
    0.1 and this divergence `LOGIT_STD_WEIGHT`, because standardised logits have small gradients:
    our alpha is 10/11. Deviations are those of algorithm 1, over all c classes.
    """
    student, teacher = _standardised(student_logits, dim=1), _standardised(teacher_logits, dim=1)
    return LOGIT_STD_WEIGHT * kd_loss(student, teacher, labels, params)


LOSSES: Mapping[str, Loss] = {
    "kd": kd_loss,
    "dkd": dkd_loss,
    "dist": dist_loss,
    "logit-std": logit_std_loss,
}


def loss_named(name: str) -> Loss:
    """Give the loss of a name, shipped or of a plug-in.

    Raises:
        PluginError: There is none, or it cannot be imported.
    """
    return LOSSES.get(name) or _plugin_loss(name)


@lru_cache(maxsize=8)
def _plugin_loss(name: str) -> Loss:
    """Give the loss of a plug-in; what fails inside is said to be the plug-in's."""
    plugin, given = load_plugin("loss", name)
    if not callable(given):
        msg = f"{plugin}: is a {type(given).__name__}; its entry point must name a function."
        raise PluginError(msg)

    def loss(student: Tensor, teacher: Tensor, labels: Tensor, params: DistillParams) -> Tensor:
        with blaming(plugin, doing=f"scoring logits of shape {tuple(student.shape)}"):
            values: Tensor = given(student, teacher, labels, params)
            # Any other shape would be spread over the rows without a word.
            if values.shape != labels.shape:
                msg = f"it gave {tuple(values.shape)} values for {len(labels)} images"
                raise ValueError(msg)
            return values

    return loss


def _divergence(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Give the KL divergence from student to teacher, (n, c) and (n, c) to (n,)."""
    student = F.log_softmax(student_logits, dim=1)
    teacher = F.log_softmax(teacher_logits, dim=1)
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def _split(logits: Tensor, named: Tensor) -> tuple[Tensor, Tensor]:
    """Give logits of target against the others, (n, 2), and of the others, (n, c - 1).

    The others are picked, not masked by a large number: no temperature can bring the target back,
    and a target that is nearly sure leaves no logarithm of zero.
    """
    target = named.unsqueeze(1)
    place = torch.arange(logits.shape[1] - 1, device=logits.device)
    others = logits.gather(1, place + (place >= target))
    both = torch.cat([logits.gather(1, target), others.logsumexp(dim=1, keepdim=True)], dim=1)
    return both, others


def _correlation(student: Tensor, teacher: Tensor, *, dim: int) -> Tensor:
    """Give Pearson's correlation of probabilities along ``dim``, which is lost; 0 for constants."""
    # Over their mean, which changes no correlation: those of a rare class are too small to square.
    student, teacher = (
        _standardised(side / side.mean(dim, keepdim=True).clamp(min=SMALLEST_MEAN), dim=dim)
        for side in (student, teacher)
    )
    return (student * teacher).mean(dim)


def _standardised(values: Tensor, *, dim: int) -> Tensor:
    """Shift and scale to mean 0 and deviation 1 along ``dim``; see `FLATTEST`."""
    centred = values - values.mean(dim, keepdim=True)
    variance = centred.square().mean(dim, keepdim=True)
    # Clamped before the root, whose slope at zero is infinite.
    return centred / variance.clamp(min=FLATTEST**2).sqrt()
