import numpy as np
import pytest
import torch
from PIL import Image

from autokd.data.augment import apply_view, channel_statistics, make_view, resize, to_input
from autokd.data.images import ImageSet

GOLDEN_TOP = [8, 7, 4, 3, 3, 7]
GOLDEN_LEFT = [4, 8, 7, 7, 8, 3]
GOLDEN_MIRRORED = [True, True, True, True, False, False]


def noise(n, px, channels, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (n, px, px, channels), dtype=np.uint8))


def one_by_one(images, view, index):
    """The definition: pad by reflection, crop, mirror, an image at a time."""
    px = images.shape[1]
    pad = px // 8
    out = []
    for image, place in zip(images.numpy(), index.tolist(), strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
        top, left = int(view.top[place]), int(view.left[place])
        crop = padded[top : top + px, left : left + px]
        out.append(crop[:, ::-1] if view.mirrored[place] else crop)
    return torch.from_numpy(np.stack(out))


@pytest.mark.parametrize("px", [8, 12, 28, 32, 7])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("flip", [True, False])
def test_a_view_equals_padding_cropping_and_mirroring_each_image(px, channels, flip):
    images = noise(200, px, channels)
    view = make_view(200, px=px, flip=flip, seed=3, view=1)
    index = torch.randperm(200, generator=torch.Generator().manual_seed(0))[:150]
    assert torch.equal(
        apply_view(images[index], view, index), one_by_one(images[index], view, index)
    )


def test_an_image_looks_the_same_in_every_batch():
    images = noise(64, 16, 3)
    view = make_view(64, px=16, flip=True, seed=0, view=0)
    together = apply_view(images, view, torch.arange(64))
    for place in (0, 17, 63):
        alone = apply_view(images[place : place + 1], view, torch.tensor([place]))
        assert torch.equal(alone[0], together[place])


def test_a_view_is_drawn_again_from_its_numbers_for_ever():
    view = make_view(6, px=32, flip=True, seed=5, view=2)
    again = make_view(6, px=32, flip=True, seed=5, view=2)
    assert torch.equal(view.top, again.top)
    assert torch.equal(view.mirrored, again.mirrored)
    # Logits on disk belong to these numbers: if they change, so must the key of that cache.
    assert view.top.tolist() == GOLDEN_TOP
    assert view.left.tolist() == GOLDEN_LEFT
    assert view.mirrored.tolist() == GOLDEN_MIRRORED


def test_views_and_seeds_differ_and_use_all_offsets_evenly():
    view = make_view(9000, px=32, flip=True, seed=0, view=0)
    assert not torch.equal(view.top, make_view(9000, px=32, flip=True, seed=0, view=1).top)
    assert not torch.equal(view.top, make_view(9000, px=32, flip=True, seed=1, view=0).top)
    assert not torch.equal(view.top, view.left)
    counts = torch.bincount(view.top, minlength=9)
    assert counts.shape == (9,)
    assert 850 < counts.min() <= counts.max() < 1150
    assert 0.47 < view.mirrored.float().mean() < 0.53


def test_flip_changes_only_the_mirroring():
    plain, flipped = (make_view(50, px=16, flip=f, seed=0, view=0) for f in (False, True))
    assert torch.equal(plain.left, flipped.left)
    assert not plain.mirrored.any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("px", [8, 24, 48])
def test_resize_is_antialiased_bilinear_as_pillow_has_it(px, channels):
    images = noise(4, 32, channels)
    resized = resize(images, px)
    assert resized.shape == (4, px, px, channels)
    assert resized.is_contiguous()
    for image, mine in zip(images.numpy(), resized.numpy(), strict=True):
        theirs = Image.fromarray(image.squeeze()).resize((px, px), Image.Resampling.BILINEAR)
        difference = mine.astype(int) - np.asarray(theirs).reshape(px, px, channels)
        assert np.abs(difference).max() <= 1


def test_resize_of_a_fitting_image_is_the_image_itself():
    images = noise(2, 16, 3)
    assert resize(images, 16) is images


def test_resize_keeps_a_flat_image_flat():
    assert (resize(torch.full((1, 32, 32, 3), 255, dtype=torch.uint8), 20) == 255).all()


def test_to_input_normalises_each_channel():
    images = noise(3, 8, 3)
    mean, std = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)
    x = to_input(images, channels=3, mean=mean, std=std)
    expected = images.double() / 255
    expected = ((expected - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(x.double(), expected, atol=1e-5)


def test_gray_goes_three_times_into_an_rgb_network():
    images = noise(3, 8, 1)
    x = to_input(images, channels=3, mean=(0.0, 0.5, 0.0), std=(1.0, 1.0, 2.0))
    gray = images[..., 0] / 255
    assert x.is_contiguous(memory_format=torch.channels_last)
    for channel, expected in enumerate((gray, gray - 0.5, gray / 2)):
        assert torch.allclose(x[:, channel], expected, atol=1e-6)


def test_rgb_goes_into_a_gray_network_by_its_luma():
    images = noise(5, 8, 3)
    x = to_input(images, channels=1, mean=(0.0,), std=(1.0,))
    assert x.shape == (5, 1, 8, 8)
    for image, mine in zip(images.numpy(), x[:, 0], strict=True):
        theirs = torch.from_numpy(np.array(Image.fromarray(image).convert("L"))) / 255
        assert (mine - theirs).abs().max() <= 1 / 255


def test_to_input_leaves_the_stored_images_alone():
    images = noise(2, 8, 1)
    before = images.clone()
    to_input(images, channels=1, mean=(0.1,), std=(0.2,))
    assert torch.equal(images, before)


def test_statistics_equal_those_of_all_pixels_at_once():
    images = noise(5000, 8, 3)
    images[..., 1] //= 2
    mean, std = channel_statistics(ImageSet(images, torch.zeros(5000, dtype=torch.int64)))
    pixels = images.reshape(-1, 3).double() / 255
    assert mean == pytest.approx(pixels.mean(0).tolist(), abs=1e-9)
    assert std == pytest.approx(pixels.std(0, correction=0).tolist(), abs=1e-9)


def test_a_channel_that_never_changes_can_be_divided_by():
    flat = ImageSet(torch.full((3, 8, 8, 1), 7, dtype=torch.uint8), torch.zeros(3).long())
    mean, std = channel_statistics(flat)
    assert mean == pytest.approx((7 / 255,))
    assert std == pytest.approx((1 / 255,))
