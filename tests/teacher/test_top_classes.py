"""The form of many classes: what it keeps, what it takes on disk, what comes back."""

import math

import numpy as np
import pytest
import torch

from autokd.teacher.top_classes import MOST_KEPT_WHOLE, TOP_CLASSES, LogitForm, form_for


def logits(n: int, classes: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(n, classes, generator=torch.Generator().manual_seed(seed))


def test_up_to_a_hundred_classes_all_logits_are_kept() -> None:
    form = form_for(MOST_KEPT_WHOLE)
    rows = form.pack(logits(5, MOST_KEPT_WHOLE))
    assert (rows.shape, rows.dtype, form.row_bytes) == ((5, 100), np.float16, 200)
    assert torch.equal(form.unpack(rows), logits(5, MOST_KEPT_WHOLE).half().float())


def test_above_them_a_row_names_the_likeliest_classes_and_the_rest() -> None:
    form = form_for(1000)
    given = logits(5, 1000).double()
    rows = form.pack(given)
    assert rows.shape == (5,)
    assert rows.nbytes == 5 * form.row_bytes == 5 * (4 * TOP_CLASSES + 4 + 500)
    p = given.softmax(dim=1)
    order = p.argsort(dim=1, descending=True)[:, :TOP_CLASSES]
    np.testing.assert_array_equal(rows["classes"], order.numpy())
    np.testing.assert_allclose(rows["log_p"], p.gather(1, order).log().numpy(), rtol=1e-3)
    rest = 1 - p.gather(1, order).sum(dim=1)
    np.testing.assert_allclose(np.exp(rows["log_rest"].astype(np.float64)), rest, rtol=4e-3)


@pytest.mark.parametrize("classes", [200, 201])
def test_read_back_a_row_is_a_distribution_whose_others_are_off_by_half_a_step(
    classes: int,
) -> None:
    form = LogitForm(classes, kept=10)
    given = logits(7, classes).double()
    rows = form.pack(given)
    back = form.unpack(rows).double()
    assert back.shape == (7, classes)
    torch.testing.assert_close(back.logsumexp(dim=1), torch.zeros(7).double(), atol=6e-3, rtol=0)
    expected = given.log_softmax(dim=1)
    order = given.argsort(dim=1, descending=True)
    top, others = order[:, :10], order[:, 10:]
    torch.testing.assert_close(back.gather(1, top), expected.gather(1, top), atol=4e-3, rtol=1e-3)
    # All others of a row are shifted by one number, so that they make up the rest.
    off = back.gather(1, others) - expected.gather(1, others)
    step = torch.from_numpy(rows["step"].astype(np.float64))[:, None]
    assert bool(((off - off.mean(dim=1, keepdim=True)).abs() <= 0.6 * step).all())
    assert bool((off.mean(dim=1).abs() <= 0.1 * step[:, 0]).all())
    assert bool((back.argmax(dim=1) == given.argmax(dim=1)).all())


def test_classes_beyond_sixteen_bits_keep_their_numbers() -> None:
    form = LogitForm(70_000, kept=3)
    given = torch.zeros(1, 70_000)
    given[0, [69_999, 65_536, 1]] = torch.tensor([30.0, 20.0, 15.0])
    assert form.pack(given)["classes"].tolist() == [[69_999, 65_536, 1]]
    assert form_for(65_536).dtype["classes"].base == np.uint16


def test_a_teacher_that_is_sure_leaves_numbers_and_not_infinities() -> None:
    form = LogitForm(300, kept=4)
    given = torch.zeros(1, 300)
    given[0, 7] = 1e6
    rows = form.pack(given)
    back = form.unpack(rows)
    assert bool(torch.isfinite(back).all())
    assert back.softmax(dim=1)[0, 7] == 1
    assert rows["log_rest"][0] == -np.finfo(np.float16).max


def test_others_that_are_alike_share_the_rest_evenly() -> None:
    form = LogitForm(103, kept=3)
    given = torch.zeros(1, 103)
    given[0, :3] = torch.tensor([9.0, 8.0, 7.0])
    total = sum(math.exp(value) for value in (9, 8, 7)) + 100
    back = form.unpack(form.pack(given))
    assert float(back[0, 50].exp()) == pytest.approx(1 / total, rel=4e-3)
    assert bool((back[0, 3:] == back[0, 50]).all())
