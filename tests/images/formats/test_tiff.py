"""TIFF files of every kind, written and read by tifffile."""

import io
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image
from sklearn_ssafe.images.picture import as_picture

from ...conftest import encoded, picture

tifffile = pytest.importorskip("tifffile")

COLOUR = picture(1, size=(40, 56))
GREY = COLOUR[..., 1]
ALPHA = np.linspace(0, 255, GREY.size).reshape(GREY.shape).astype(np.uint8)


def tiff(values, photometric="minisblack", **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric=photometric, **options)
    content = file.getvalue()
    np.testing.assert_array_equal(np.squeeze(tifffile.imread(io.BytesIO(content))), values)
    return content


def on_white(colours, alpha):
    alpha = (alpha / 255.0)[..., None]
    return 255 + (colours.astype(float) - 255) * alpha


def as_rgb(grey):
    return np.repeat(np.asarray(grey)[..., None], 3, axis=2)


ORDERS = ["<", ">"]
STORED = [{}, {"compression": "zlib"}]
LAID_OUT = [{}, {"tile": (16, 32)}, {"rowsperstrip": 7}]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stored", STORED, ids=str)
@pytest.mark.parametrize("laid_out", LAID_OUT, ids=str)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey(dtype, photometric, laid_out, stored, order):
    values = {
        np.uint8: GREY,
        np.uint16: GREY.astype(np.uint16) * 256 + GREY // 2,
        np.float32: (GREY / 255).astype(np.float32),
    }[dtype]
    content = tiff(values, photometric, byteorder=order, **laid_out, **stored)
    expected = 255 - GREY if photometric == "miniswhite" else GREY
    np.testing.assert_array_equal(read_image(content), as_rgb(expected))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stored", STORED, ids=str)
@pytest.mark.parametrize("laid_out", [*LAID_OUT, {"planarconfig": "separate"}], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour(dtype, laid_out, stored, order):
    values = COLOUR if dtype is np.uint8 else COLOUR.astype(np.uint16) * 256 + 255 - COLOUR
    options = {"byteorder": order, **laid_out, **stored}
    if "planarconfig" in laid_out:
        values = np.ascontiguousarray(values.transpose(2, 0, 1))
        if dtype is np.uint16:
            pytest.skip("Pillow reads separate planes of 8 bits alone")
    np.testing.assert_array_equal(read_image(tiff(values, "rgb", **options)), COLOUR)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fourth_channel(dtype, kind, order):
    colours = COLOUR
    if kind == "assocalpha":  # multiplied in
        colours = np.round(COLOUR * (ALPHA[..., None] / 255.0)).astype(np.uint8)
    values = np.dstack([colours, ALPHA])
    if dtype is np.uint16:
        values = values.astype(np.uint16) * 257
    content = tiff(values, "rgb", extrasamples=[kind], byteorder=order)
    if kind == "unspecified":
        np.testing.assert_array_equal(read_image(content), COLOUR)
    else:  # dark pixels that are almost transparent are stored in few steps
        np.testing.assert_allclose(read_image(content), on_white(COLOUR, ALPHA), atol=2)


def test_grey_with_alpha():
    content = tiff(np.dstack([GREY, ALPHA]), "minisblack", extrasamples=["unassalpha"])
    np.testing.assert_allclose(read_image(content), on_white(as_rgb(GREY), ALPHA), atol=1)


@pytest.mark.parametrize("n_bits", [8, 16])
def test_palette(n_bits):
    colours = np.random.default_rng(0).integers(0, 256, (3, 256))
    stored = colours * 257 if n_bits == 16 else colours  # 8 bits are against the rules, and found
    content = tiff(GREY, "palette", colormap=stored.astype(np.uint16))
    np.testing.assert_array_equal(read_image(content), colours.T[GREY])


def test_cmyk():
    black = 255 - COLOUR.max(axis=2)
    inks = np.dstack([COLOUR.max(axis=2, keepdims=True) - COLOUR, black])
    content = tiff(inks, "separated")
    ink, key = inks[..., :3] / 255.0, inks[..., 3:] / 255.0
    # As Pillow and all who know no profile: the inks multiplied.
    np.testing.assert_allclose(read_image(content), 255 * (1 - ink - key + ink * key), atol=1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n_bits", [1, 2, 4, 12])
@pytest.mark.parametrize("photometric", [0, 1])
def test_packed_bits(photometric, n_bits, order):
    """Written by hand: rows of samples that do not fill bytes."""
    rng = np.random.default_rng(n_bits)
    samples = rng.integers(0, 1 << n_bits, (11, 21))
    bits = (samples[..., None] >> np.arange(n_bits)[::-1]) & 1
    rows = np.packbits(bits.reshape(11, -1).astype(np.uint8), axis=1)
    content = by_hand(rows.tobytes(), 21, 11, order, {258: n_bits, 262: photometric})
    try:
        pixels = read_image(content)
    except ImageReadError as error:
        assert "unknown pixel mode" in str(error)
        assert (n_bits, order) == (12, ">")
        return
    most = (1 << n_bits) - 1
    grey = samples >> 4 if n_bits == 12 else samples * 255 // most
    np.testing.assert_array_equal(pixels, as_rgb(255 - grey if photometric == 0 else grey))


def by_hand(data, width, height, order, tags):
    """One strip, one directory of short tags, and the offset and length of the strip."""
    import struct

    tags = {256: width, 257: height, 259: 1, 273: 0, 277: 1, 278: height, 279: len(data), **tags}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return head + struct.pack(order + "H", len(tags)) + entries + bytes(4) + data


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_signed_numbers_have_no_white(dtype):
    with pytest.raises(ImageReadError, match="signed numbers"):
        read_image(tiff((GREY // 2).astype(dtype)))


def test_big_tiff_is_read():
    file = io.BytesIO()
    tifffile.imwrite(file, COLOUR, photometric="rgb", bigtiff=True)
    np.testing.assert_array_equal(read_image(file.getvalue()), COLOUR)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    file = io.BytesIO()
    tifffile.imwrite(file, COLOUR, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    upright = Image.open(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(read_image(file.getvalue()), np.asarray(upright))


# Damage ----------------------------------------------------------------------------------------


COMPRESSED = ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]


@pytest.mark.parametrize("compression", ["raw", *COMPRESSED])
def test_more_rows_declared_than_stored(compression):
    content = bytearray(encoded(COLOUR, "TIFF", compression=compression))
    order = "<" if content[:2] == b"II" else ">"
    place = entry_of(content, 257, order)
    content[place + 8 : place + 12] = np.array([400], order + "u4").tobytes()
    content[place + 2 : place + 4] = np.array([4], order + "u2").tobytes()
    with pytest.raises(ImageReadError):
        read_image(bytes(content))


def entry_of(content, tag, order):
    start = int(np.frombuffer(content, order + "u4", 1, 4)[0])
    n_entries = int(np.frombuffer(content, order + "u2", 1, start)[0])
    places = range(start + 2, start + 2 + 12 * n_entries, 12)
    return next(k for k in places if np.frombuffer(content, order + "u2", 1, k)[0] == tag)


def test_more_places_of_parts_than_a_picture_has_are_not_read():
    content = bytearray(by_hand(bytes(16_000_000), 50, 40, "<", {258: 8, 262: 1}))
    place = entry_of(content, 273, "<")
    content[place + 4 : place + 8] = (3_000_000).to_bytes(4, "little")
    tracemalloc.start()
    with pytest.raises(ImageReadError, match="holds 0 of 1 parts"):
        as_picture(content).check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(content)


@pytest.mark.parametrize("compression", COMPRESSED)
def test_a_zeroed_middle_is_found_and_nothing_is_printed(compression, capfd):
    photograph = picture(3, size=(200, 300))
    content = bytearray(encoded(photograph, "TIFF", compression=compression))
    middle = len(content) // 2
    content[middle : middle + len(content) // 3] = bytes(len(content) // 3)
    with pytest.raises(ImageReadError):
        read_image(bytes(content))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", [8, 32946])
def test_deflate_that_goes_on_behind_its_rows_or_ends_too_early(compression):
    """What libtiff unpacks until a strip is full, and never compares with the checksum behind."""
    pixels = picture(5, size=(40, 50), channels=1)
    tags = {258: 8, 259: compression, 262: 1}
    sound = zlib.compress(pixels.tobytes())

    def read(data):
        return read_image(by_hand(data, 50, 40, "<", tags))

    for harmless in (sound, sound + b"\0", sound[:-4]):  # padding; no checksum
        np.testing.assert_array_equal(read(harmless), as_rgb(pixels))
    flipped = sound[:-1] + bytes([sound[-1] ^ 1])
    longer = zlib.compress(pixels.tobytes() + bytes(3000))
    for damaged in (flipped, longer, zlib.compress(pixels[1:].tobytes())):
        with pytest.raises(ImageReadError):
            read(damaged)


def test_damaged_fax_is_found_and_nothing_is_printed(capfd):
    lines = Image.fromarray(GREY).convert("1")
    content = bytearray(encoded(lines, "TIFF", compression="group4"))
    np.testing.assert_array_equal(read_image(bytes(content))[..., 0], np.asarray(lines) * 255)
    n_refused = 0
    rng = np.random.default_rng(0)
    for _ in range(50):
        damaged = bytearray(content)
        for position in rng.integers(8, len(content), 6):
            damaged[position] = rng.integers(256)
        try:
            read_image(bytes(damaged))
        except ImageReadError:
            n_refused += 1
    assert n_refused > 40
    with pytest.raises(ImageReadError, match="compression 3"):  # its damage is not told
        read_image(encoded(lines, "TIFF", compression="group3"))
    assert capfd.readouterr() == ("", "")
