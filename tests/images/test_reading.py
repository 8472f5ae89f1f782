import hashlib
import io
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFile, ImageOps
from sklearn.datasets import load_sample_image

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image
from sklearn_ssafe.images.formats import jpeg
from sklearn_ssafe.images.picture import Picture, as_picture

from ..conftest import encoded, picture

ORIENTATION = 0x0112


def by_pillow(content):
    """What Pillow alone makes of a file without transparency."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))


# JPEG: the fast path must give Pillow's pixels, to the bit ------------------------------------


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(61, 83), (64, 96), (1, 1), (7, 300)])
def test_jpeg_pixels_equal_pillows(subsampling, progressive, size):
    photograph = load_sample_image("china.jpg")[: size[0], : size[1]]
    content = encoded(photograph, subsampling=subsampling, progressive=progressive, quality=88)
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_the_fast_path_is_taken_for_an_ordinary_jpeg(monkeypatch):
    monkeypatch.setattr(jpeg, "_decode_tidied", None)  # calling it would fail
    monkeypatch.setattr(jpeg, "_parts", None)
    content = encoded(picture(1))
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(orientation, format):
    image = Image.fromarray(picture(2))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    content = encoded(image, format, exif=exif)
    pixels = read_image(content)
    np.testing.assert_array_equal(pixels, by_pillow(content))
    assert pixels.shape == ((48, 64, 3) if orientation <= 4 else (64, 48, 3))
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_a_meaningless_orientation_is_ignored(orientation):
    image = Image.fromarray(picture(2))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    assert read_image(encoded(image, exif=exif)).shape == (48, 64, 3)


def test_grey_and_cmyk_jpegs_equal_pillows():
    for image in (
        Image.fromarray(picture(3, channels=1)),
        Image.fromarray(picture(3)).convert("CMYK"),
    ):
        content = encoded(image)
        np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_a_jpeg_with_restart_markers_equals_pillows():
    content = encoded(picture(4), restart_marker_blocks=2)
    assert b"\xff\xd0" in content
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


# Modes -----------------------------------------------------------------------------------------


def test_transparency_is_composited_on_white():
    rgba = np.dstack([picture(6), np.full((48, 64), 51, np.uint8)])  # alpha 0.2
    expected = 255 + (rgba[..., :3].astype(float) - 255) * 0.2
    for item in (rgba, encoded(rgba, "PNG"), Image.fromarray(rgba)):
        np.testing.assert_allclose(read_image(item), expected, atol=1)


@pytest.mark.parametrize("mode", ["LA", "PA", "La", "RGBa"])
def test_fully_transparent_pixels_are_white_in_every_alpha_mode(mode):
    if mode == "PA":
        image = Image.new("PA", (4, 3))
        image.putpalette([10, 20, 30])
    else:
        image = Image.new("LA" if mode == "La" else "RGBA", (4, 3)).convert(mode)
    np.testing.assert_array_equal(read_image(image), np.full((3, 4, 3), 255))


def test_palette_with_a_transparent_colour():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    content = encoded(image, "PNG", transparency=0)
    np.testing.assert_array_equal(read_image(content), [[[255, 255, 255], [0, 0, 255]]])
    opaque = encoded(image, "PNG")
    np.testing.assert_array_equal(read_image(opaque), [[[255, 0, 0], [0, 0, 255]]])


def test_sixteen_bits_keep_the_high_byte():
    values = np.array([[0, 255, 256, 0x1234, 0xFFFF]], dtype=np.uint16)
    expected = np.repeat((values >> 8)[..., None], 3, axis=2)
    for format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(
            read_image(encoded(Image.fromarray(values), format)), expected
        )
    as_32_bit = Image.fromarray(values.astype(np.int32))
    np.testing.assert_array_equal(read_image(as_32_bit), expected)


def test_numbers_without_a_defined_white_are_refused():
    with pytest.raises(ImageReadError, match="no defined white"):
        read_image(Image.fromarray(np.array([[0, 1 << 20]], dtype=np.int32)))
    with pytest.raises(ImageReadError, match="no defined white"):
        read_image(Image.fromarray(np.array([[0, 200]], dtype=np.float32)))
    with pytest.raises(ImageReadError, match="no defined white"):
        read_image(Image.fromarray(np.array([[0, np.nan]], dtype=np.float32)))


def test_floats_from_0_to_1_are_scaled():
    image = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    np.testing.assert_array_equal(read_image(image)[0, :, 0], [0, 128, 255])


@pytest.mark.parametrize("mode", ["1", "L", "HSV", "YCbCr", "LAB"])
def test_other_modes_come_near_the_colour_they_stand_for(mode):
    grey = Image.new("RGB", (4, 4), (255, 255, 255))
    if mode == "LAB":
        image = Image.new("LAB", (4, 4), (255, 128, 128))
    else:
        image = grey.convert(mode)
    np.testing.assert_allclose(read_image(image), 255, atol=2)


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    for format in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if format == "WEBP" else {}
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        assert Image.open(io.BytesIO(content)).n_frames == 2
        np.testing.assert_array_equal(read_image(content)[0, 0], [200, 0, 0])


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "PPM", "ICO", "JPEG2000"])
def test_formats_that_pillow_reads(format):
    image = Image.fromarray(picture(7, size=(32, 32)))
    content = encoded(image, format)
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_avif_is_read_where_pillow_has_it():
    if ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow was built without AVIF")
    content = encoded(picture(7), "AVIF")
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_heic_is_read_with_its_plugin_or_names_it():
    head = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
    try:
        import pillow_heif
    except ImportError:
        with pytest.raises(ImageReadError, match=r"sklearn-ssafe\[heif\]"):
            read_image(head)
    else:
        pillow_heif.register_heif_opener()
        content = encoded(picture(7), "HEIF")
        np.testing.assert_array_equal(read_image(content), by_pillow(content))


# Sources ---------------------------------------------------------------------------------------


def test_path_bytes_picture_and_array_give_the_same_pixels(tmp_path):
    pixels = picture(8)
    content = encoded(pixels, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for item in (path, str(path), content, memoryview(content), Image.open(path), pixels):
        np.testing.assert_array_equal(read_image(item), pixels)


def test_grey_arrays_have_three_equal_channels():
    grey = picture(9, channels=1)
    for item in (grey, grey[..., None]):
        np.testing.assert_array_equal(read_image(item), np.repeat(grey[..., None], 3, axis=2))


def test_the_users_picture_is_left_as_it_was():
    image = Image.fromarray(np.dstack([picture(1), picture(2, channels=1)]))
    before = image.copy()
    read_image(image)
    assert image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(before))


def test_one_lazily_opened_picture_can_be_read_by_many_threads(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture(10, size=(400, 400)), "PNG"))
    expected = read_image(path)
    with Image.open(path) as shared:
        results = [None] * 8

        def read(number):
            results[number] = read_image(shared)

        threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


# What cannot be read ---------------------------------------------------------------------------


def bad_items(folder):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("no picture at all")
    return {
        "no such file": folder / "absent.jpg",
        "empty": folder / "empty.jpg",
        "no picture": folder / "text.jpg",
        "folder": folder,
        "URL": "https://example.org/a.jpg",
        "the path is empty": "",
        "value is missing": None,
        "value is missing ": float("nan"),
        "expected a path": 7,
        "uint8": np.zeros((4, 4, 3)),
        "channels last": np.zeros((3, 8, 9), np.uint8),
        "picture is empty": np.zeros((0, 4, 3), np.uint8),
    }


def test_each_reason_is_named_by_a_full_read_and_by_a_quick_look(tmp_path):
    for reason, item in bad_items(tmp_path).items():
        with pytest.raises(ImageReadError, match=reason.strip()):
            read_image(item)
        with pytest.raises(ImageReadError, match=reason.strip()):
            as_picture(item).check()


@pytest.mark.parametrize("url", ["http://a/b.png", "s3://bucket/b.png", "data:image/png;base64,AA"])
def test_urls_are_refused(url):
    with pytest.raises(ImageReadError, match="never fetched"):
        read_image(url)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_a_truncated_file_is_refused(format):
    photograph = load_sample_image("flower.jpg")[:120, :160]
    content = encoded(photograph, format)
    with pytest.raises(ImageReadError):
        read_image(content[: len(content) // 2])


def test_missing_pixels_are_never_filled_in(monkeypatch):
    content = encoded(load_sample_image("flower.jpg")[:120, :160])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageReadError, match="truncated"):
        read_image(content[: len(content) // 2])
    as_png = encoded(load_sample_image("flower.jpg")[:120, :160], "PNG")
    with pytest.raises(ImageReadError, match="LOAD_TRUNCATED_IMAGES"):
        read_image(as_png[: len(as_png) // 2])
    assert read_image(content).shape == (120, 160, 3)


def test_random_damage_costs_an_error_and_nothing_worse():
    rng = np.random.default_rng(0)
    for format in ("JPEG", "PNG", "GIF", "TIFF", "WEBP"):
        content = bytearray(encoded(picture(11), format))
        for _ in range(60):
            damaged = bytearray(content)
            for position in rng.integers(0, len(damaged), 8):
                damaged[position] = rng.integers(256)
            try:
                pixels = read_image(bytes(damaged))
            except ImageReadError:
                continue
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3


def test_a_jpeg_whose_missing_half_is_hidden_by_an_end_marker_is_refused():
    content = encoded(load_sample_image("flower.jpg")[:120, :160])
    for hidden in (
        content[: len(content) // 2] + b"\xff\xd9",
        content[: len(content) // 2] + bytes(len(content) // 2) + b"\xff\xd9",
    ):
        with pytest.raises(ImageReadError, match="truncated"):
            read_image(hidden)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_costs_no_sound_picture(format):
    content = encoded(picture(12), format, exif=b"Exif\0\0II")
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    np.testing.assert_array_equal(read_image(content), expected)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.jpg")
    for look in (Picture.read, Picture.check):
        with pytest.raises(ImageReadError, match="pipe"):
            look(as_picture(tmp_path / "pipe.jpg"))


def test_an_opened_picture_of_a_format_that_is_not_read_is_refused_by_name():
    opened = Image.open(io.BytesIO(encoded(picture(), "DIB")))
    with pytest.raises(ImageReadError, match="is a DIB file, which is not read"):
        read_image(opened)
    opened.load()
    np.testing.assert_array_equal(read_image(opened), picture())


@pytest.mark.parametrize("item", ["a\0b", "a\ud800b", torch.zeros(3), pd.Series([1, 2]), pd.NA])
def test_whatever_is_wrong_is_an_image_read_error(item):
    for look in (Picture.read, Picture.check):
        with pytest.raises(ImageReadError):
            look(as_picture(item))


def test_file_names_need_not_be_unicode(tmp_path):
    import os

    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png")
    with open(path, "wb") as file:
        file.write(encoded(picture(0), "PNG"))
    np.testing.assert_array_equal(read_image(path), picture(0))


# Keys ------------------------------------------------------------------------------------------


def test_a_key_is_the_digest_unless_pixels_were_made_differently_before(tmp_path):
    from .formats.test_png import GREY, RGB, png

    samples = np.arange(12).reshape(3, 4, 1)
    as_before = [
        encoded(picture(1)),
        encoded(picture(1), "PNG"),
        encoded(picture(1), "TIFF"),
        png(samples, GREY, 8, key=b"\0\1"),
        png(samples, GREY, 4),
        b"P5 2 1 255\n12",
        picture(1),
        Image.fromarray(picture(1)),
    ]
    anew = [
        png(samples, GREY, 4, key=b"\0\1"),
        png(samples, GREY, 16, key=b"\0\1"),
        png(np.repeat(samples, 3, axis=2), RGB, 16, key=bytes(6)),
        b"P6 1 1 65535\n123456",
    ]
    for item in as_before:
        assert as_picture(item).key() == as_picture(item).digest()
    for number, content in enumerate(anew):
        path = tmp_path / f"{number}.png"
        path.write_bytes(content)
        assert as_picture(content).key() != as_picture(content).digest()
        assert as_picture(path).key() == as_picture(content).key()
        assert as_picture(content).digest() == hashlib.sha256(content).digest()
    assert len({as_picture(content).key() for content in anew}) == len(anew)
