import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
)

from autokd.core.progress import silent
from autokd.data.given import GivenSource, as_picture, items_of, names_in
from autokd.errors import DataError


class Items(Dataset):
    """A dataset of given items, one more random than another."""

    classes = ("ant", "bee")

    def __init__(self, *items, noise=False):
        self.items, self.noise = items, noise
        self._rng = np.random.default_rng(0)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        if self.noise:
            return self._rng.integers(0, 256, (8, 8), dtype=np.uint8), 0
        return self.items[place]


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


def read(given, *, px=8, channels=3):
    source = GivenSource(items_of(given, "data"), "data")
    index = np.arange(len(source.labels))
    images = np.concatenate([block for block, _ in source.blocks(index, px=px, channels=channels)])
    return images, source.labels.tolist()


def forms(pixels):
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    labels = torch.arange(6)
    pairs = [(Image.fromarray(image), number) for number, image in enumerate(pixels)]
    return {
        "arrays": (pixels, labels.numpy()),
        "labels in a list": (pixels, labels.tolist()),
        "bytes": TensorDataset(planes, labels),
        "floats": TensorDataset(planes.float() / 255, labels),
        "pillow": Items(*pairs),
        "loader": DataLoader(TensorDataset(planes, labels), batch_size=4, shuffle=True),
        "a list": pairs,
        "parts": ConcatDataset([Items(*pairs[:2]), Subset(Items(*pairs), [2, 3, 4, 5])]),
    }


@pytest.mark.parametrize("form", list(forms(np.zeros((6, 8, 8, 3), np.uint8))))
def test_each_form_gives_the_same_bytes_and_labels(pixels, form):
    images, labels = read(forms(pixels)[form])
    assert (images == pixels).all()
    assert labels == [0, 1, 2, 3, 4, 5]


def test_images_alone_have_no_labels(pixels):
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    for given in (pixels, TensorDataset(planes), list(planes)):
        images, labels = read(given)
        assert (images == pixels).all()
        assert labels == [-1] * 6


def test_gray_images_may_lack_their_channel():
    gray = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    for given in (
        gray,
        gray[..., None],
        list(torch.from_numpy(gray)),
        list(torch.from_numpy(gray)[:, None]),
    ):
        assert (read(given, channels=1)[0][..., 0] == gray).all()


def test_the_middle_of_a_wide_image_is_kept():
    wide = np.zeros((1, 8, 12, 3), np.uint8)
    wide[:, :, 2:10] = 200
    assert (read(wide)[0] == 200).all()


def test_sizes_and_gray_are_told_by_a_sample():
    source = GivenSource([np.zeros((8, 12), np.uint8)] * 200, "data")
    survey = source.survey(np.arange(200), silent)
    assert survey.sizes.tolist() == [[12, 8]] * 200
    assert survey.gray.all()


def test_names_are_found_inside_subsets_and_loaders(pixels):
    items = Items((pixels[0], 0))
    assert names_in(DataLoader(Subset(Subset(items, [0]), [0]))) == ("ant", "bee")
    assert names_in(TensorDataset(torch.zeros(1))) == ()
    named = Items((pixels[0], 0))
    named.classes = [("tench", "Tinca tinca"), "dog"]
    assert names_in(named) == ("tench, Tinca tinca", "dog")


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


def one(image, label=0):
    return [(image, label)]


GRAY = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            one(torch.randn(3, 8, 8) * 2),
            r"data\[0\]: has values from -.* If its transform ends in Norm",
        ),
        (one(torch.full((3, 8, 8), 255.0)), "has values from 255 to 255, .*bytes belong in uint8"),
        (one(torch.zeros(3, 8, 8, dtype=torch.int64)), "is a tensor of torch.int64, and must be"),
        (one(torch.zeros(8, 8, 3)), r"has shape \(8, 8, 3\); a tensor must be \(1 or 3, h, w\)"),
        (one(np.zeros((3, 8, 8), np.uint8)), r"has shape \(3, 8, 8\); an array must be"),
        (one(np.zeros((8, 8))), "is an array of float64, and must be uint8"),
        (one("cat.png"), "is a str; an image must be a PIL image"),
        (one(GRAY, -1), "its label is -1, and must be a class number"),
        (one(GRAY, 1.5), "its label is 1.5, and must be"),
        (one(GRAY, np.eye(3)[0]), r"its label is of shape \(3,\), and must be"),
        ([{"image": GRAY, "label": 0}], "is a dict of image, label, and must be"),
        ([(GRAY, 0, 1)], "is 3 things, and must be"),
        (Endless(), "is an IterableDataset"),
        ([], "has no images"),
        (5, "is a int; give a folder, a Dataset"),
        (torch.zeros(2, 3, 8, 8), "is a Tensor; give numpy arrays"),
        ((np.zeros((2, 8, 8)), [0, 1]), "images are float64 of shape"),
        ((np.zeros((2, 8, 8), np.uint8), [0]), r"labels have shape \(1,\), and must be \(2,\)"),
    ],
)
def test_what_cannot_be_used_says_where_what_and_what_to_do(given, text):
    with pytest.raises(DataError, match=text):
        read(given)


def test_a_random_transform_is_found_out():
    source = GivenSource(Items(1, 2, 3, noise=True), "data['train']")
    with pytest.raises(DataError, match=r"data\['train'\]\[0\]: is another image each time"):
        source.survey(np.arange(3), silent)


def test_a_dataset_that_fails_is_named_with_the_place():
    class Broken(Items):
        def __getitem__(self, place):
            if place == 1:
                message = "no such file"
                raise FileNotFoundError(message)
            return GRAY, 0

    with pytest.raises(DataError, match=r"data\[1\]: the dataset failed with FileNotFoundError"):
        read(Broken(1, 2), channels=1)


def test_colour_among_gray_images_is_not_lost_in_silence():
    with pytest.raises(DataError, match=r"data\[1\]: has colour \(RGB\), and others are gray"):
        read([(GRAY, 0), (np.zeros((8, 8, 3), np.uint8), 1)], channels=1)


def test_a_tensor_that_learns_is_an_image_too():
    assert as_picture(torch.zeros(1, 4, 4, requires_grad=True), "x").size == (4, 4)
