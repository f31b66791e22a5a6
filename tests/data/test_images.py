import torch

from autokd.data.images import ImageSet


def test_an_image_set_tells_its_size_channels_and_labels():
    images = ImageSet(torch.zeros(5, 8, 8, 3, dtype=torch.uint8), torch.arange(5))
    assert (len(images), images.px, images.channels, images.labelled) == (5, 8, 3, True)


def test_one_missing_label_makes_a_set_unlabelled():
    labels = torch.tensor([0, -1])
    assert not ImageSet(torch.zeros(2, 8, 8, 1, dtype=torch.uint8), labels).labelled


def test_a_subset_has_the_images_and_labels_of_its_index_in_that_order():
    images = torch.arange(4, dtype=torch.uint8).reshape(4, 1, 1, 1)
    part = ImageSet(images, torch.arange(4)).subset(torch.tensor([3, 1]))
    assert part.images.flatten().tolist() == [3, 1]
    assert part.labels.tolist() == [3, 1]
