"""What pictures may cost: pixels, memory, and nothing that another file or program does."""

import io
import os
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import limits, read_file_facts, read_image
from sklearn_ssafe.images.limits import MAX_PIXELS, Declared, _Budget, check_limits
from sklearn_ssafe.images.picture import Picture, as_picture

from ..conftest import encoded, picture

SMALL = Image.fromarray(picture(0, size=(20, 30)))


def gif_bomb():
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0;"
    return b"GIF89a" + struct.pack("<HHBBB", 13300, 13300, 0, 0, 0) + frame


def png_chunk(kind, content):
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png_bomb(width=13300, height=13300, more=b""):
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = zlib.compress(bytes(9_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + more
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def apng_bomb():
    control = struct.pack(">IIIIIHHBB", 0, 9000, 9000, 0, 0, 1, 1, 0, 0)
    more = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", control)
    return png_bomb(9000, 9000, more)


def patched(content, places):
    content = bytearray(content)
    for place, value in places.items():
        content[place : place + len(value)] = value
    return bytes(content)


def jpeg_bomb():
    content = encoded(SMALL)
    place = content.index(b"\xff\xc0") + 5
    return patched(content, {place: struct.pack(">HH", 10000, 10000)})


def tiff_bomb():
    content = encoded(SMALL, "TIFF")
    large = np.array([10000], "<u4").tobytes()
    start = int(np.frombuffer(content, "<u4", 1, 4)[0])
    # Width and length are the first two entries.
    return patched(content, {start + 2 + 8: large, start + 14 + 8: large})


def bmp_bomb(compression=0, bits=24):
    content = encoded(SMALL, "BMP")
    sides = struct.pack("<ii", 10000, 10000) + struct.pack("<HHI", 1, bits, compression)
    return patched(content, {18: sides})


def psd_bomb(packed=0):
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 10000, 10000, 8, 3)
    return head + bytes(12) + struct.pack(">H", packed) + bytes(1000)


def icon_bomb():
    inside = png_bomb(12000, 12000)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inside), 22) + inside


def jpeg2000_bomb():
    content = encoded(SMALL, "JPEG2000", no_jp2=True)
    return patched(content, {8: struct.pack(">II", 10000, 10000)})


def webp_bomb():
    head = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (9999).to_bytes(3, "little") * 2
    content = head + encoded(SMALL, "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


BOMBS = {
    "GIF": gif_bomb,
    "PNG": png_bomb,
    "APNG": apng_bomb,
    "JPEG": jpeg_bomb,
    "TIFF": tiff_bomb,
    "BMP": bmp_bomb,
    "BMP with compression": lambda: bmp_bomb(1, 8),
    "PSD": psd_bomb,
    "PSD with compression": lambda: psd_bomb(1),
    "icon": icon_bomb,
    "JPEG 2000": jpeg2000_bomb,
    "WebP": webp_bomb,
    "PPM": lambda: b"P6 10000 10000 255\n" + bytes(1000),
    "plain PPM": lambda: b"P3 10000 10000 255\n" + b"1 " * 1000,
}


def test_no_second_header_makes_a_picture_larger():
    """Two sizes in one file: the decoder must not take the other."""
    large = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    sound = encoded(SMALL, "PNG")
    with pytest.raises(ImageReadError, match="two headers"):
        read_image(sound[:33] + png_chunk(b"IHDR", large) + sound[33:])
    assert read_file_facts(sound[:33] + png_chunk(b"IHDR", large) + sound[33:]).width == 30

    jpeg = encoded(SMALL)
    tiff = bytearray(encoded(SMALL, "TIFF", compression="jpeg"))
    place = tiff.rindex(b"\xff\xc0") + 5
    tiff[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(ImageReadError, match="wrong size"):
        read_image(bytes(tiff))
    assert jpeg.count(b"\xff\xc0") == 1

    jp2 = encoded(SMALL.convert("L"), "JPEG2000")
    palette = struct.pack(">I4sHB", 11 + 200 + 200, b"pclr", 1, 200) + bytes(400)
    box = jp2.index(b"jp2h") - 4
    length = int.from_bytes(jp2[box : box + 4], "big")
    longer = struct.pack(">I", length + len(palette))
    odd = jp2[:box] + longer + jp2[box + 4 : box + length] + palette + jp2[box + length :]
    with pytest.raises(ImageReadError, match="200 channels"):
        read_image(odd)


@pytest.mark.skipif(".avif" not in Image.registered_extensions(), reason="Pillow without AVIF")
def test_what_the_boxes_of_avif_say_is_compared_with_the_data():
    content = encoded(Image.new("RGB", (300, 200)), "AVIF")
    assert read_image(content).shape == (200, 300, 3)
    place = content.index(b"ispe") + 8
    with pytest.raises(ImageReadError, match="two sizes"):
        read_image(patched(content, {place: struct.pack(">II", 16, 16)}))


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(kind, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", None)  # calling it would fail
    monkeypatch.setattr(np, "empty", None)
    content = BOMBS[kind]()
    for look in (Picture.read, Picture.check, Picture.small_grey, Picture.facts):
        with pytest.raises(ImageReadError, match=r"cannot hold|too large|truncated|damaged"):
            look(as_picture(content))


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "JPEG2000", "TIFF", "BMP", "JPEG"])
def test_the_limit_is_a_parameter(format):
    content = encoded(SMALL, format)
    for item in (content, SMALL, np.asarray(SMALL)):
        assert read_image(item, max_pixels=8000).shape == (20, 30, 3)
        with pytest.raises(ImageReadError, match="raise max_pixels"):
            read_image(item, max_pixels=599)


def test_pillows_own_limit_does_not_matter(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300_000)
    image = SMALL.resize((1000, 700))
    for format in ("PNG", "GIF", "JPEG2000", "TIFF", "BMP", "JPEG", "PPM"):
        content = encoded(image, format)
        assert read_image(content).shape == (700, 1000, 3)
        read_file_facts(content)
    beyond = gif_bomb()[:6] + struct.pack("<HH", 2, 2) + gif_bomb()[10:] + bytes(1000)
    places = [struct.pack("<HHHH", left, top, 1, 1) for left, top in ((0, 0), (999, 699))]
    assert read_image(beyond.replace(*places)).shape == (700, 1000, 3)


def test_what_a_decoder_needs_counts():
    check_limits(Declared("JPEG", 10_000, 12_000, 3), 1000, MAX_PIXELS)
    for declared, n_bytes in (
        (Declared("WEBP", 10_000, 12_000, 23), 1000),
        (Declared("JPEG", 10_000, 12_000, 9, bytes_per_byte=2), 100_000_000),
        (Declared("JPEG", 10, 10, 3), 1_300_000_000),
        (Declared("PNG", 1, 110_000, 3), 1000),
    ):
        with pytest.raises(ImageReadError, match="is too large"):
            check_limits(declared, n_bytes, MAX_PIXELS)


# The budget ------------------------------------------------------------------------------------


def test_threads_together_stay_within_the_budget():
    budget, now, most, lock = _Budget(100), [0], [0], threading.Lock()

    def take(n_bytes):
        with budget.reserved(n_bytes):
            with lock:
                now[0] += n_bytes
                most[0] = max(most[0], now[0] if n_bytes <= 100 else 0)
                assert n_bytes <= 100 or now[0] == n_bytes  # more than all there is: alone
            with budget.reserved(1000):  # part of what this thread has
                time.sleep(0.001)
            with lock:
                now[0] -= n_bytes

    sizes = [*np.random.default_rng(0).integers(1, 60, 60).tolist(), 250, 99, 100]
    threads = [threading.Thread(target=take, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert 60 < most[0] <= 100


def test_an_error_gives_back_what_was_reserved():
    budget = _Budget(10)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.reserved(10):
            raise ZeroDivisionError
    with budget.reserved(10):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("small", [0, 1 << 23])
def test_a_file_is_in_memory_and_reserved_for_whatever_its_size(small, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ssafe.images.picture._SMALL_FILE", small)
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(SMALL))
    known = as_picture(path)
    before = limits._budget._used
    with known.loading() as loaded:
        path.unlink()
        assert limits._budget._used > before
        np.testing.assert_array_equal(loaded.read(), read_image(encoded(SMALL)))
        assert loaded.key() == as_picture(encoded(SMALL)).key()
    assert limits._budget._used == before
    for content, why in [(b"no picture at all", "is no picture"), (b"", "empty")]:
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=why), known.loading():
            pass
    with pytest.raises(ImageReadError, match="no such file"), as_picture("gone.jpg").loading():
        pass


def test_a_folder_of_hostile_files_costs_no_more_than_promised(tmp_path):
    """In a process of its own, with 8 threads, beside what it has when it begins."""
    import subprocess
    import sys

    contents = [make() for make in BOMBS.values()]
    flat = io.BytesIO()
    Image.new("RGB", (10_900, 10_900)).save(flat, "PNG", compress_level=1)
    contents.append(flat.getvalue())
    for name in ("WEBP", "JPEG", "GIF"):
        flat = io.BytesIO()
        side = 7000 if name == "WEBP" else 10_000
        Image.new("L" if name == "GIF" else "RGB", (side, side)).save(flat, name)
        contents.append(flat.getvalue())
    for number in range(3):
        for kind, content in enumerate(contents):
            (tmp_path / f"{kind}_{number}.jpg").write_bytes(content + bytes(number))
    program = f"""
import glob, resource, warnings
from sklearn_ssafe import FrozenEncoderTransformer
warnings.simplefilter("ignore")
encoder = FrozenEncoderTransformer(on_error="nan", num_workers=8, cache=None)
encoder.transform([{encoded(SMALL)!r}] * 64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
encoder.transform(sorted(glob.glob({str(tmp_path)!r} + "/*")))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, len(encoder.failures_))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    more_kib, n_failures = map(int, done.stdout.split())
    assert n_failures == 3 * len(BOMBS)
    assert more_kib * 1024 < 1.5e9
    assert done.stderr == ""


# Formats and files -----------------------------------------------------------------------------


def starts_no_program(*arguments, **options):
    raise AssertionError("a program was started")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(100), "PostScript"),
        (b"%PDF-1.7\n" + bytes(100), "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://a/b'/></svg>", "SVG"),
        (b"\xd7\xcd\xc6\x9a" + bytes(100), "WMF"),
        (bytes(18) + bytes(2000), "no picture"),
    ],
)
def test_what_is_on_no_list_is_refused_by_name(content, name, monkeypatch, tmp_path):
    for function in ("Popen", "run", "call", "check_call"):
        monkeypatch.setattr(f"subprocess.{function}", starts_no_program)
    monkeypatch.setattr("os.system", starts_no_program)
    (tmp_path / "photo.jpg").write_bytes(content)
    for item in (content, tmp_path / "photo.jpg"):
        with pytest.raises(ImageReadError, match=name):
            read_image(item)
        with pytest.raises(ImageReadError, match=name):
            read_file_facts(item)


def test_an_eps_file_that_was_opened_by_pillow_starts_no_program(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", starts_no_program)
    monkeypatch.setattr("subprocess.check_call", starts_no_program)
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n"
    image = Image.open(io.BytesIO(content))
    assert image.format == "EPS"
    with pytest.raises(ImageReadError, match="EPS"):
        read_image(image)


def test_damage_is_found_in_a_file_that_was_opened_by_pillow():
    content = encoded(picture(4, size=(200, 300)))
    middle = len(content) // 2
    damaged = content[:middle] + bytes(len(content) // 4) + content[middle + len(content) // 4 :]
    with pytest.raises(ImageReadError, match=r"damaged|truncated"):
        read_image(Image.open(io.BytesIO(damaged)))
    loaded = Image.open(io.BytesIO(damaged))
    loaded.load()  # who did so has the pixels that Pillow gave
    assert read_image(loaded).shape == (200, 300, 3)


@pytest.mark.parametrize("head", [b"", encoded(SMALL)[:600]])
def test_a_huge_file_is_refused_from_its_header(head, tmp_path):
    path = tmp_path / "sparse.jpg"
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(3 << 30)
    for look in (Picture.read, Picture.check, Picture.facts, Picture.small_grey):
        with pytest.raises(ImageReadError, match=r"no picture|is too large|ends before"):
            look(as_picture(path))


@pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/self/status", "/dev/zero", "/dev/tty"])
def test_special_files_are_refused_at_once(path):
    if not os.path.exists(path):
        pytest.skip("not on this system")
    for look in (Picture.read, Picture.check, Picture.facts, Picture.content):
        with pytest.raises(ImageReadError, match=r"empty|pipe|cannot be opened|permission"):
            look(as_picture(path))


def test_a_socket_and_a_pipe_behind_a_link_are_refused_at_once(tmp_path):
    import socket

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "linked.jpg").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jpg"))
        for name in ("linked.jpg", "s.jpg"):
            with pytest.raises(ImageReadError, match="pipe, socket or device"):
                read_image(tmp_path / name)


def test_a_pipe_in_place_of_a_shard_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.parquet")
    for look in (Picture.read, Picture.check):
        with pytest.raises(ImageReadError, match="pipe"):
            look(as_picture(f"{tmp_path}/a.parquet#image/0"))
