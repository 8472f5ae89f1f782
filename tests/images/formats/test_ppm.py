"""PBM, PGM and PPM files written by hand."""

import numpy as np
import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image

RNG = np.random.default_rng(0)


def plain(values):
    return b"\n".join(b" ".join(b"%d" % value for value in row.ravel()) for row in values)


def packed(values, most):
    return values.astype(">u2" if most > 255 else np.uint8).tobytes()


@pytest.mark.parametrize("most", [1, 3, 100, 255, 256, 1023, 65535])
@pytest.mark.parametrize(("n_channels", "kinds"), [(1, b"25"), (3, b"36")])
def test_grey_and_colour(n_channels, kinds, most):
    values = RNG.integers(0, most + 1, (7, 11, n_channels))
    grey = values >> 8 if most == 65535 else np.round(values * (255 / most))
    expected = np.broadcast_to(grey, (7, 11, 3))
    for kind, data in zip(kinds, (plain(values), packed(values, most)), strict=True):
        for header in (b"P%c\n11 7\n%d\n", b"P%c # a comment\n#another\n 11\t7 %d\n"):
            content = header % (kind, most) + data
            np.testing.assert_array_equal(read_image(content), expected)


def test_bits_are_black():
    bits = RNG.integers(0, 2, (6, 13))
    expected = np.repeat(255 * (1 - bits)[..., None], 3, axis=2)
    packed_bits = np.packbits(bits.astype(np.uint8), axis=1).tobytes()
    digits = b"\n".join(b"".join(b"%d" % bit for bit in row) for row in bits)
    np.testing.assert_array_equal(read_image(b"P4 13 6\n" + packed_bits), expected)
    np.testing.assert_array_equal(read_image(b"P1 13 6\n" + digits), expected)
    np.testing.assert_array_equal(read_image(b"P1 13 6\n#x 1 1\n" + plain(bits)), expected)


def test_many_plain_numbers_are_taken_apart_in_pieces(monkeypatch):
    from sklearn_ssafe.images.formats import ppm

    monkeypatch.setattr(ppm, "_PLAIN_NUMBERS_AT_ONCE", 10)
    values = RNG.integers(0, 256, (9, 5, 3))
    np.testing.assert_array_equal(read_image(b"P3 5 9 255\n" + plain(values)), values)


@pytest.mark.parametrize(("order", "scale"), [("<", b"-1.0"), (">", b"1.0")])
def test_floats_stand_upside_down(order, scale):
    values = RNG.random((4, 6)).astype(order + "f4")
    content = b"Pf\n6 4\n" + scale + b"\n" + values[::-1].tobytes()
    np.testing.assert_array_equal(read_image(content)[..., 0], np.round(values * 255))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P6 3 2 255\n" + bytes(17), "truncated"),
        (b"P3 3 2 255\n" + b"1 " * 17, "truncated"),
        (b"P1 3 2\n" + b"1 " * 5, "truncated"),
        (b"P2 1 2 9\n3 10", "values above 9"),
        (b"P5 1 2 9\n\x03\x0a", "values above 9"),
        (b"P1 2 1\n1 7", "damaged"),
        (b"P2 1 2 9\n3 x", "something beside numbers"),
        (b"P2 1 1 9\n-3", "damaged"),
        (b"P6 0 2 255\n", "how large"),
        (b"P6 -1 2 255\n", "how large|wrong header"),
        (b"P6 3 2 70000\n" + bytes(99), "greatest value"),
        (b"P6 3 2 0\n" + bytes(99), "greatest value"),
        (b"P6 3", "how large"),
        (b"P6 " + b"#" * 9999, "how large"),
        (b"P6 3e400 2 255\n", "wrong header"),
    ],
)
def test_damage_is_named(content, message):
    with pytest.raises(ImageReadError, match=message):
        read_image(content)
