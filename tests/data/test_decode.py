import threading

import numpy as np
import pytest
from PIL import Image

from autokd.data import decode


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.fixture
def picture():
    """A smooth RGB image of 24 x 16, different in every corner."""
    y, x = np.mgrid[0:16, 0:24]
    return np.stack([x * 10, y * 15, 255 - x * 5], axis=-1).astype(np.uint8)


def test_a_square_image_of_the_size_is_kept_bit_for_bit(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    path = save(tmp_path / "a.png", pixels)
    assert np.array_equal(decode.read(path, px=16, channels=3), pixels)


def test_a_wide_image_gives_its_middle(tmp_path, picture):
    path = save(tmp_path / "a.png", picture)
    assert np.array_equal(decode.read(path, px=16, channels=3), picture[:, 4:20])


def test_a_tall_image_gives_its_middle_resized(tmp_path, picture):
    path = save(tmp_path / "a.png", np.ascontiguousarray(picture.transpose(1, 0, 2)))
    found = decode.read(path, px=8, channels=3)
    middle = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 0, 2)[4:20]))
    expected = np.asarray(middle.resize((8, 8), Image.Resampling.BILINEAR))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(tmp_path, picture, orientation):
    stored = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.transpose(1, 0, 2),
        6: picture.transpose(1, 0, 2)[::-1],
        7: picture.transpose(1, 0, 2)[::-1, ::-1],
        8: picture.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    assert np.array_equal(decode.read(path, px=16, channels=3), picture[:, 4:20])


def test_damaged_exif_does_not_make_damaged_pixels(tmp_path, picture):
    path = save(tmp_path / "a.jpg", picture, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff\x00")
    with decode.tolerant():
        found = decode.read(path, px=16, channels=3)
    assert np.abs(found.astype(int) - picture[:, 4:20]).mean() < 10


def test_sixteen_bit_gray_is_scaled_not_cut_off(tmp_path):
    deep = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    path = save(tmp_path / "a.png", deep)
    assert decode.header(path) == (16, 16, True)
    assert decode.read(path, px=16, channels=1).flatten().tolist() == list(range(256))


def test_one_bit_images_are_black_and_white(tmp_path):
    bits = np.eye(16, dtype=bool)
    path = save(tmp_path / "a.png", bits)
    assert decode.header(path) == (16, 16, True)
    assert np.array_equal(decode.read(path, px=16, channels=1)[..., 0], bits * np.uint8(255))


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "CMYK", "YCbCr"])
def test_every_colour_mode_becomes_rgb(tmp_path, mode):
    image = Image.new("RGB", (16, 16), (255, 255, 255)).convert(mode)
    path = tmp_path / ("a.jpg" if mode in {"CMYK", "YCbCr"} else "a.png")
    image.save(path)
    assert decode.header(path) == (16, 16, False)
    assert np.abs(decode.read(path, px=16, channels=3).astype(int) - 255).max() <= 4


def test_a_palette_with_transparency_gives_no_warning(tmp_path):
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.save(tmp_path / "a.png", transparency=b"\xff\x80")
    assert decode.read(tmp_path / "a.png", px=16, channels=3)[0, 0].tolist() == [200, 100, 50]


def test_a_large_jpeg_is_read_at_a_fraction_and_looks_the_same(tmp_path):
    y, x = np.mgrid[0:800, 0:800]
    smooth = np.stack([x // 4, y // 4, (x + y) // 8], axis=-1).astype(np.uint8)
    path = save(tmp_path / "a.jpg", smooth, quality=95)
    found = decode.read(path, px=32, channels=3)
    expected = smooth.reshape(32, 25, 32, 25, 3).mean(axis=(1, 3))
    assert np.abs(found - expected).max() < 6


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40])
def test_what_is_no_image_has_no_header_and_no_pixels(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert decode.header(tmp_path / "a.png") is None
    assert decode.read(tmp_path / "a.png", px=16, channels=3) is None


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tif", "a.bmp"])
def test_a_truncated_file_has_no_pixels(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / name, pixels)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert decode.read(path, px=16, channels=3) is None


def test_a_file_of_floats_has_no_known_range_and_is_unreadable(tmp_path):
    path = save(tmp_path / "a.tif", np.ones((16, 16), np.float32))
    assert decode.read(path, px=16, channels=1) is None


def test_a_decompression_bomb_is_unreadable_and_no_crash(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.zeros((64, 64), np.uint8))
    for most in (3000, 100):  # Pillow warns of the first, and refuses the second
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with decode.tolerant():
            assert decode.header(path) is None
            assert decode.read(path, px=8, channels=1) is None


def test_threads_do_everything_once_and_tell_how_far_they_are():
    lock, done, told = threading.Lock(), [], []

    def work(place):
        with lock:
            done.append(place)

    decode.in_threads(work, 150, what="read", progress=lambda *args: told.append(args))
    assert sorted(done) == list(range(150))
    assert told == [("read", 64, 150), ("read", 128, 150), ("read", 150, 150)]


def test_an_interrupt_does_not_wait_for_the_rest():
    done = []

    def work(place):
        done.append(place)
        threading.Event().wait(0.001)

    def interrupt(*_args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode.in_threads(work, 100_000, what="read", progress=interrupt)
    assert len(done) < 10_000
