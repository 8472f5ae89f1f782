"""EXIF and XMP as Pillow reads them, and as nobody can."""

import io

import numpy as np
import pytest
from PIL import Image

from sklearn_ssafe.images.ifd import EXIF_IFD, ORIENTATION, exif_tags, has_tags, orientation

XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


def exif_of(tags, inside=None):
    exif = Image.Exif()
    exif.update(tags)
    if inside:
        exif[EXIF_IFD] = inside
    return exif.tobytes()


@pytest.mark.parametrize("head", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_tags_are_those_that_pillow_wrote(head):
    content = exif_of({0x010F: "Maker", ORIENTATION: 6}, {0x9286: b"ASCII\0\0\0text", 0x829A: 0.5})
    content = head + content.removeprefix(b"Exif\0\0")
    assert exif_tags(content, {0x010F, ORIENTATION}) == {0x010F: b"Maker\0", ORIENTATION: (6,)}
    inside = exif_tags(content, {0x9286, 0x829A}, inside=EXIF_IFD)
    assert inside == {0x9286: b"ASCII\0\0\0text", 0x829A: (0.5,)}
    assert has_tags(content)
    assert orientation(content) == 6


def test_xmp_tells_where_exif_does_not():
    assert orientation(b"", XMP % 8) == 8
    assert orientation(None, (XMP % 3).decode()) == 3
    assert orientation(exif_of({ORIENTATION: 6}), XMP % 8) == 6
    assert orientation(exif_of({0x010F: "Maker"}), XMP % 8) == 8
    assert orientation(b"", b"nothing") == orientation(None, None) == 1


def test_damage_is_as_if_nothing_were_there():
    content = exif_of({0x010F: "Maker" * 9, ORIENTATION: 6}, {0x9286: b"x" * 50})
    rng = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(content)
        for position in rng.integers(0, len(content), 4):
            damaged[position] = rng.integers(256)
        damaged = bytes(damaged[: rng.integers(1, len(content) + 1)])
        exif_tags(damaged, {0x010F, ORIENTATION})
        exif_tags(damaged, {0x9286}, inside=EXIF_IFD)
        assert isinstance(orientation(damaged), int)
    assert exif_tags(b"rubbish", {ORIENTATION}) == {}


def test_orientation_of_xmp_alone_is_applied_as_by_pillow():
    from sklearn_ssafe.images import read_image

    image = Image.fromarray(np.arange(96, dtype=np.uint8).reshape(4, 8, 3))
    for format in ("JPEG", "WEBP"):
        file = io.BytesIO()
        image.save(file, format, xmp=XMP % 6)
        assert read_image(file.getvalue()).shape == (8, 4, 3)
