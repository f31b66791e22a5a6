from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.counts import count_macs, count_params


def test_resnet_20_has_the_published_size():
    program = resnet(16, depth=20, image_channels=3, input_px=32, classes=10)
    # 269,722 with shortcuts without weights, table 6 of arXiv:1512.03385; two projections more.
    assert count_params(program) == 269_722 + (16 * 32 + 64) + (32 * 64 + 128)
    assert 40e6 < count_macs(program) < 42e6


def test_mobilenet_v2_at_full_width_has_the_published_size():
    program = mobilenet_v2(32, image_channels=3, input_px=32, classes=1000)
    # 3,504,872 as torchvision counts it, table 4 of arXiv:1801.04381 says 3.4 M.
    assert count_params(program) == 3_504_872
