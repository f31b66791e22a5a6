"""Images, in memory or mapped into it, and a data set of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Square images of one size with their labels.

    Attributes:
        images: uint8 (n, px, px, channels), channels 1 (gray) or 3 (RGB).
        labels: int64 (n,); -1 where there is none.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def px(self) -> int:
        """Side of an image."""
        return self.images.shape[1]

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB."""
        return self.images.shape[3]

    @property
    def labelled(self) -> bool:
        """Whether every image has a label."""
        return bool((self.labels >= 0).all())

    def subset(self, index: Tensor) -> "ImageSet":
        """Copy the images at the places ``index``, int64 (m,)."""
        return ImageSet(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Dataset:
    """What a run learns from, and the way to what it is judged by at the end.

    Attributes:
        train: Students learn from these.
        validation: Students are selected by these.
        class_names: In the order of the labels; empty when nothing has a label.
        digest: The same for the same images, labels and splits, in the same order and form, and
            only then. Test images, which are read at the end, count by what stands for them:
            names and sizes of files, or an array's file.
        unreadable: Names of the files that were left out.
        test_images: How many `load_test` will read.
        folder: Where ``train`` and ``validation`` are stored; None when they are in memory alone.
    """

    train: ImageSet
    validation: ImageSet
    class_names: tuple[str, ...]
    digest: str
    unreadable: tuple[str, ...]
    test_images: int
    folder: Path | None = None
    _read_test: Callable[[], ImageSet] | None = field(default=None, repr=False)

    def load_test(self) -> ImageSet | None:
        """Read the test images now; None when there are none.

        They are not kept, so nothing can look at them before the end. Those that prove unreadable
        are left out.

        Raises:
            DataError: Too many of them are unreadable.
        """
        return None if self._read_test is None else self._read_test()
