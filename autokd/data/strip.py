"""Some images beside each other in one file that browsers show."""

import io

import numpy as np
from PIL import Image
from torch import Tensor

from autokd.data.augment import resize


def png_strip(
    images: Tensor,  # (n, h, w, c) uint8, c 1 (gray) or 3 (RGB), n at least 1
    *,
    px: int,
) -> bytes:
    """Give a PNG of ``n * px`` by ``px``, the first image on the left, without space between."""
    side_by_side = np.concatenate(list(resize(images, px).numpy()), axis=1)
    gray = side_by_side.shape[2] == 1
    picture = Image.fromarray(side_by_side[..., 0] if gray else side_by_side)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
