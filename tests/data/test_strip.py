import io

import numpy as np
import pytest
import torch
from PIL import Image

from autokd.data.augment import resize
from autokd.data.strip import png_strip


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_images_stand_beside_each_other_pixel_for_pixel(channels: int, mode: str) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 8, 8, channels), dtype=torch.uint8, generator=generator)
    picture = Image.open(io.BytesIO(png_strip(images, px=8)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", mode, (40, 8))
    pixels = np.asarray(picture).reshape(8, 40, channels)
    for number, image in enumerate(images.numpy()):
        assert (pixels[:, 8 * number : 8 * number + 8] == image).all()


def test_large_images_are_made_smaller_one_by_one() -> None:
    images = torch.zeros((2, 64, 64, 3), dtype=torch.uint8)
    images[1] = 255
    pixels = np.asarray(Image.open(io.BytesIO(png_strip(images, px=16))))
    assert pixels.shape == (16, 32, 3)
    assert (pixels[:, :16] == 0).all()
    assert (pixels[:, 16:] == 255).all()
    assert (pixels[:, :16] == resize(images[:1], 16).numpy()[0]).all()
