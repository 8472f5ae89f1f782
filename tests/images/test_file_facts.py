"""Facts of files, against what the files were made with."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import FileFacts, read_file_facts
from sklearn_ssafe.images.file_facts import find_named_generator, jpeg_quality

from ..conftest import encoded, picture

# ITU-T T.81, table K.1, in the order of its rows.
_LUMINANCE = """
16 11 10 16 24 40 51 61     12 12 14 19 26 58 60 55     14 13 16 24 40 57 69 56
14 17 22 29 51 87 80 62     18 22 37 56 68 109 103 77   24 35 55 64 81 104 113 92
49 64 78 87 103 121 120 101     72 92 95 98 112 100 103 99
"""


def with_chunk(png, kind, content):
    """Put a chunk behind the header of a PNG file."""
    chunk = kind + content
    whole = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:33] + whole + png[33:]


def with_segment(jpeg, marker, content):
    """Put a segment behind the first marker of a JPEG file."""
    return (
        jpeg[:2]
        + b"\xff"
        + bytes([marker])
        + struct.pack(">H", len(content) + 2)
        + content
        + jpeg[2:]
    )


def test_a_file_and_its_bytes_tell_the_same(tmp_path):
    content = encoded(picture(size=(40, 60)), quality=80)
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    of_file, of_bytes = read_file_facts(path), read_file_facts(content)
    assert of_file.path == str(path)
    assert of_file.modified == path.stat().st_mtime
    assert of_bytes.path is None
    for name in FileFacts.__dataclass_fields__:
        if name not in ("path", "modified"):
            assert getattr(of_file, name) == getattr(of_bytes, name)
    assert (of_file.width, of_file.height, of_file.n_bytes) == (60, 40, len(content))
    assert (of_file.format, of_file.colour_mode, of_file.bit_depth) == ("JPEG", "RGB", 8)
    assert (of_file.has_alpha, of_file.camera, of_file.metadata) == (False, "", "none")


@pytest.mark.parametrize("quality", [1, 20, 49, 50, 75, 90, 95, 100])
def test_jpeg_quality_against_the_standards_table_scaled_by_hand(quality):
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = [min(max((int(step) * scale + 50) // 100, 1), 255) for step in _LUMINANCE.split()]
    facts = read_file_facts(encoded(picture(), quality=quality))
    with Image.open(io.BytesIO(encoded(picture(), quality=quality))) as image:
        assert sorted(image.quantization[0]) == sorted(table)
    assert facts.jpeg_quality == quality
    assert facts.jpeg_tables == f"libjpeg {quality}"


def test_tables_of_ones_own_are_named_after_the_nearest_quality():
    with Image.open(io.BytesIO(encoded(picture(), quality=85))) as image:
        tables = [list(image.quantization[n]) for n in (0, 1)]
    tables[0][20] += 2
    facts = read_file_facts(encoded(picture(), qtables=tables))
    assert facts.jpeg_quality == 85
    assert facts.jpeg_tables.startswith("own ")
    assert facts.jpeg_tables.endswith("near quality 85")
    assert jpeg_quality((255,) * 64) == 1


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_subsampling(subsampling):
    assert read_file_facts(encoded(picture(), subsampling=subsampling)).subsampling == subsampling
    assert read_file_facts(encoded(picture(channels=1))).subsampling is None


def test_colour_alpha_and_depth():
    rgb = Image.fromarray(picture())
    sixteen = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    cases = [
        (encoded(rgb, "PNG"), ("RGB", False, 8)),
        (encoded(rgb.convert("RGBA"), "PNG"), ("RGB", True, 8)),
        (encoded(rgb.convert("L"), "PNG"), ("grey", False, 8)),
        (encoded(rgb.quantize(16), "PNG"), ("palette", False, 4)),
        (encoded(sixteen, "PNG"), ("grey", False, 16)),
        (encoded(Image.new("RGBA", (8, 8), (9, 9, 9, 99)), "WEBP"), ("RGB", True, 8)),
        (encoded(rgb.convert("CMYK")), ("CMYK", False, 8)),
    ]
    for content, expected in cases:
        facts = read_file_facts(content)
        assert (facts.colour_mode, facts.has_alpha, facts.bit_depth) == expected


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_camera_and_profile(format):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 30D"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    content = encoded(picture(), format, exif=exif, icc_profile=profile.tobytes())
    facts = read_file_facts(content)
    assert facts.camera == "Canon EOS 30D"
    assert facts.icc_profile == ImageCms.getProfileDescription(profile).strip()
    assert facts.metadata == "EXIF"
    assert read_file_facts(encoded(picture(), format)).icc_profile == ""


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("add", ["add_text", "add_itxt"])
def test_text_of_png_names_a_generator(add, compressed):
    info = PngImagePlugin.PngInfo()
    getattr(info, add)("parameters", "a cat, Steps: 20, Sampler: Euler a", zip=compressed)
    facts = read_file_facts(encoded(picture(), "PNG", pnginfo=info))
    assert facts.named_generator == "Stable Diffusion"
    assert facts.metadata == "text"


def test_text_behind_the_pixels_is_read_without_decoding_them(monkeypatch):
    png = encoded(picture(), "PNG")
    marked = with_chunk(png, b"tEXt", b"Description\0made by ComfyUI")
    chunk = marked[33 : 33 + len(marked) - len(png)]
    content = png[:-12] + chunk + png[-12:]  # before the last chunk, IEND

    def refuse(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    assert read_file_facts(content).named_generator == "ComfyUI"
    assert read_file_facts(encoded(picture())).named_generator == ""


def test_text_in_exif_and_comment_names_a_generator():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "Steps: 30, Sampler: DDIM".encode("utf-16-be")
    assert read_file_facts(encoded(picture(), exif=exif)).named_generator == "Stable Diffusion"
    commented = encoded(picture(), comment=b"Midjourney v6")
    assert read_file_facts(commented).named_generator == "Midjourney"
    assert read_file_facts(commented).metadata == "comment"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Job ID: 01234567-89ab-cdef-0123-456789abcdef", "Midjourney"),
        ("trainedAlgorithmicMedia", "IPTC: trained algorithmic media"),
        ("FLUX.1-dev", "FLUX"),
        ("Adobe Photoshop 25.0", ""),
        ("Reflux condenser, dream house", ""),
    ],
)
def test_words_for_generators(text, name):
    assert find_named_generator([("", text)]) == name


def test_c2pa_is_found_where_each_format_has_it():
    box = b"JP\0\0\0\0\0\1\0\0\0\x20jumb\0\0\0\x18jumdc2pa"
    jpeg, png = encoded(picture()), encoded(picture(), "PNG")
    webp = encoded(picture(), "WEBP", lossless=True)
    chunk = b"C2PA" + struct.pack("<I", 4) + b"abcd"
    marked = webp[:4] + struct.pack("<I", len(webp) - 8 + len(chunk)) + webp[8:] + chunk
    for content, there in [
        (jpeg, False),
        (with_segment(jpeg, 0xEB, box), True),
        (with_segment(jpeg, 0xEB, b"something else"), False),
        (png, False),
        (with_chunk(png, b"caBX", b"manifest"), True),
        (webp, False),
        (marked, True),
    ]:
        assert read_file_facts(content).has_c2pa is there


def test_pictures_in_memory_tell_size_and_mode_alone():
    for item, mode, alpha in [
        (picture(size=(40, 60)), "RGB", False),
        (np.zeros((40, 60), np.uint8), "grey", False),
        (np.zeros((40, 60, 4), np.uint8), "RGB", True),
        (Image.new("LA", (60, 40)), "grey", True),
    ]:
        facts = read_file_facts(item)
        assert (facts.width, facts.height, facts.colour_mode, facts.has_alpha) == (
            60,
            40,
            mode,
            alpha,
        )
        assert facts.format is facts.n_bytes is facts.metadata is facts.path is None


@pytest.mark.parametrize(
    "item", [b"", b"no picture", "absent.jpg", "http://a/b.png", None, float("nan")]
)
def test_what_is_no_picture_is_said(item):
    with pytest.raises(ImageReadError):
        read_file_facts(item)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_metadata_costs_nothing_but_itself():
    broken = with_segment(encoded(picture()), 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_file_facts(broken).camera == ""
    png = with_chunk(encoded(picture(), "PNG"), b"zTXt", b"parameters\0\0not packed")
    assert read_file_facts(png).named_generator == "Stable Diffusion"
