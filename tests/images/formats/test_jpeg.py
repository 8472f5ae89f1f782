"""JPEG files with oddities and with damage: the first are read as if they had none."""

import io
import re
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image
from sklearn_ssafe.images.picture import as_picture

from ...conftest import encoded, picture

PHOTOGRAPH = Image.fromarray(load_sample_image("flower.jpg")[:240, :320])
KINDS = {
    "baseline": (PHOTOGRAPH, {}),
    "4:4:4": (PHOTOGRAPH, {"subsampling": "4:4:4"}),
    "progressive": (PHOTOGRAPH, {"progressive": True}),
    "restart markers": (PHOTOGRAPH, {"restart_marker_rows": 1}),
    "grey": (PHOTOGRAPH.convert("L"), {}),
    "grey, progressive": (PHOTOGRAPH.convert("L"), {"progressive": True}),
    "CMYK": (PHOTOGRAPH.convert("CMYK"), {}),
    "CMYK, progressive": (PHOTOGRAPH.convert("CMYK"), {"progressive": True}),
    "RGB": (PHOTOGRAPH, {"keep_rgb": True}),
}


@pytest.fixture(params=KINDS, scope="module")
def content(request):
    image, options = KINDS[request.param]
    return encoded(image, quality=85, **options)


def by_pillow(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def scans(content):
    """Where the data of each scan begins and ends."""
    places = []
    for found in re.finditer(rb"\xff\xda", content):
        start = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
        end = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL).search(content, start).start()
        places.append((start, end))
    return places


def test_sound_ones_are_read_as_by_pillow(content):
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def oddities(content):
    _, end = scans(content)[-1]
    segment = b"\xff\xe1\0\x20Exif\0\0II*\0" + bytes(18)
    jfif = content.find(b"JFIF\0") + 5
    yield "a stray byte before the end marker", content[:end] + b"\0" + content[end:]
    yield "more of them", content[:end] + bytes(5) + content[end:]
    tables = content.index(b"\xff\xdb")
    yield "stray bytes in the header", content[:tables] + bytes(3) + content[tables:]
    yield "much of them", content[:tables] + bytes(3000) + content[tables:]
    yield "fill bytes", content[:2] + b"\xff" * 9 + content[2:]
    yield "damaged EXIF", content[:2] + segment + content[2:]
    yield "EXIF that is not", content[:2] + b"\xff\xe1\0\x0aExif\0\0\1\2" + content[2:]
    yield "a damaged profile", content[:2] + b"\xff\xe2\0\x12ICC_PROFILE\0\1\3" + content[2:]
    yield "a picture behind it", content + encoded(picture(1))
    yield "rubbish behind it", content + b"rubbish" * 99
    yield "no end marker", content[:-2]
    if jfif > 4:
        yield "an unknown JFIF", content[:jfif] + b"\x05\x09" + content[jfif + 2 :]


def test_oddities_change_no_pixel_and_warn_of_nothing(content):
    expected = read_image(content)
    for what, odd in oddities(content):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(read_image(odd), expected, err_msg=what)
            as_picture(odd).facts()


def test_wrong_parameters_of_a_scan_change_no_pixel():
    content = encoded(PHOTOGRAPH)
    place = content.index(b"\xff\xda")
    length = int.from_bytes(content[place + 2 : place + 4], "big")
    end = place + 2 + length
    assert content[end - 3 : end] == b"\0\x3f\0"
    odd = content[: end - 3] + b"\0\0\0" + content[end:]
    np.testing.assert_array_equal(read_image(odd), read_image(content))


@pytest.mark.parametrize("share", [0.3, 0.1, 0.02])
def test_a_zeroed_middle_is_refused(content, share):
    start, end = scans(content)[0]
    middle, n_bytes = (start + end) // 2, int(share * (end - start) / 2)
    damaged = content[: middle - n_bytes] + bytes(2 * n_bytes) + content[middle + n_bytes :]
    with pytest.raises(ImageReadError, match=r"damaged|truncated"):
        read_image(damaged)


def test_a_part_that_is_missing_is_refused(content):
    start, end = max(scans(content), key=lambda place: place[1] - place[0])
    middle = (start + end) // 2
    for damaged in (
        content[:middle],
        content[:middle] + b"\xff\xd9",
        content[:middle] + bytes(len(content) - middle) + b"\xff\xd9",
        content[:middle] + content[middle + 300 :],
        content[:start] + content[end:],
    ):
        with pytest.raises(ImageReadError, match=r"damaged|truncated"):
            read_image(damaged)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_missing_scans_are_not_filled_in(mode):
    """Decoders show what they have, blurred, and say nothing."""
    content = encoded(PHOTOGRAPH.convert(mode), progressive=True)
    for start, _ in scans(content)[1:]:
        marker = content.rindex(b"\xff\xda", 0, start)
        cut = content[:marker] + b"\xff\xd9"
        Image.open(io.BytesIO(cut)).load()  # Pillow finds nothing wrong
        with pytest.raises(ImageReadError, match=r"scans .* are missing"):
            read_image(cut)


def test_a_header_without_end_and_scans_without_end_are_refused():
    content = encoded(PHOTOGRAPH)
    for segment, many in ((b"\xff\xe5\xff\xff" + bytes(65_533), 600), (b"\xff\xfe\0\2", 400_000)):
        with pytest.raises(ImageReadError, match="before its picture"):
            read_image(content[:2] + segment * many + content[2:])
    segment = b"\xff\xe5\xff\xff" + bytes(65_533)
    np.testing.assert_array_equal(
        read_image(content[:2] + segment * 300 + content[2:]), read_image(content)
    )
    content = encoded(PHOTOGRAPH, progressive=True)
    start = content.rindex(b"\xff\xda")
    with pytest.raises(ImageReadError, match="more than 100 scans"):
        read_image(content[:-2] + 100 * content[start:-2] + b"\xff\xd9")


def test_a_long_row_of_fill_bytes_is_gone_through_once():
    content = encoded(PHOTOGRAPH)
    middle = len(content) - 300
    with pytest.raises(ImageReadError):
        read_image(content[:middle] + b"\xff" * 1_000_000 + b"\0" + content[middle:])
    odd = content[:-2] + b"\xff" * 1000 + b"\xd9"
    np.testing.assert_array_equal(read_image(odd), read_image(content))


def test_kinds_that_are_not_read_are_named():
    content = encoded(PHOTOGRAPH)
    place = content.index(b"\xff\xc0")
    for at, value, message in (
        (place + 1, 0xC3, "lossless"),
        (place + 4, 12, "12 bits"),
        (place + 9, 2, "2 channels"),
        (place + 11, 0x50, "sampling"),
    ):
        odd = bytearray(content)
        odd[at] = value
        with pytest.raises(ImageReadError, match=message):
            read_image(bytes(odd))
    frame = content[place : place + 19]
    with pytest.raises(ImageReadError, match="two sizes"):
        read_image(content[:place] + frame + content[place:])
