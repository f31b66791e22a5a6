"""Learning the teacher's logits themselves.

References:
    [Kim2021]: T. Kim, J. Oh, N. Kim, S. Cho, S. Yun. Comparing Kullback-Leibler Divergence and Mean
        Squared Error Loss in Knowledge Distillation. arXiv:2105.08919.
"""

from torch import Tensor

from autokd.core.trial import DistillParams


def logit_mse(
    student_logits: Tensor,  # (n, c)
    teacher_logits: Tensor,  # (n, c)
    labels: Tensor,  # (n,), -1 where there is none
    params: DistillParams,
) -> Tensor:  # (n,)
    """Mean over the classes of the squared difference, the loss of [Kim2021].

    Temperature divides it, so that the search finds how much it weighs: the loss itself has none.
    """
    return (student_logits - teacher_logits).square().mean(dim=1) / params.temperature
