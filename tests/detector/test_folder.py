"""Every byte of a saved detector: an error when it is loaded, or the same verdicts."""

import io
import json
import os
import random
import shutil
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier, load_detector
from sklearn_ssafe.command_line.main import main
from sklearn_ssafe.detector import folder as detector_folder
from sklearn_ssafe.detector import loading
from sklearn_ssafe.detector.folder import read_folder, write_folder
from sklearn_ssafe.exceptions import DetectorFileError, WeightsNotFoundError

from ..tiny_models import use_hub_cache

FIXTURES = Path(__file__).parents[1] / "fixtures" / "detectors"
BINARIES = ("arrays.safetensors", "estimators.skops")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    return rng.normal(size=(120, 8)) + y[:, None], y


@pytest.fixture(scope="module")
def saved(rows, tmp_path_factory):
    """A detector of embeddings with everything that one can hold, and its folder."""
    detector = SSAFEClassifier(encoder=None, target_fpr=0.2, cv=2, keep_training_rows=True)
    detector.fit(*rows)
    return detector, detector.save(tmp_path_factory.mktemp("saved") / "detector")


@pytest.fixture
def path(saved, tmp_path):
    return Path(shutil.copytree(saved[1], tmp_path / "detector"))


def reading(path):
    return json.loads((path / "detector.json").read_text(encoding="utf-8"))


def writing(path, settings):
    (path / "detector.json").write_text(json.dumps(settings), encoding="utf-8")


def is_error_or_same(path, X, verdicts):
    """Load, and say whether that was an error; else the verdicts have to be the same."""
    try:
        again = load_detector(path)
    except DetectorFileError:
        return True
    np.testing.assert_array_equal(again.predict(X), verdicts)
    assert again.predict(X).dtype == verdicts.dtype
    return False


def each_changed_value(value):
    """The value with one thing in it changed, added or left out; each in turn."""
    if isinstance(value, dict):
        for key, item in value.items():
            for changed in each_changed_value(item):
                yield {**value, key: changed}
            yield {name: other for name, other in value.items() if name != key}
            yield {f"{name}_" if name == key else name: other for name, other in value.items()}
        yield {**value, "unknown": 1}
    elif isinstance(value, list):
        for place, item in enumerate(value[:3]):
            for changed in each_changed_value(item):
                yield [*value[:place], changed, *value[place + 1 :]]
        yield value[::-1]
        yield [*value, *value[-1:]]
        yield value[:-1]
    for other in (None, True, 0, 1, 2, 0.999, -1, 10**400, "", "0", "x", [], {}, [0, 1]):
        if other != value or type(other) is not type(value):
            yield other


# Any change --------------------------------------------------------------------------------------


def test_each_value_of_the_settings(saved, path):
    """Changed, dropped, added or under another name, with and without a new checksum."""
    detector, X = saved[0], np.random.default_rng(1).normal(size=(40, 8))
    verdicts, n_trials = detector.predict(X), 0
    for changed in each_changed_value(reading(path)):
        writing(path, changed)
        n_trials += 1
        # Nothing but the same values comes through, in another order or form.
        assert is_error_or_same(path, X, verdicts) or changed == reading(saved[1])
    assert n_trials > 1000


def test_two_thousand_random_bytes(saved, path):
    detector, noise = saved[0], random.Random(0)
    X = np.random.default_rng(1).normal(size=(40, 8))
    verdicts = detector.predict(X)
    contents = {file.name: file.read_bytes() for file in path.iterdir()}
    assert set(contents) == {"README.md", "detector.json", *BINARIES}
    n_errors = 0
    for trial in range(2000):
        name = noise.choice(["detector.json", *BINARIES, *contents])
        damaged = bytearray(contents[name])
        place = noise.randrange(len(damaged))
        damaged[place] ^= 1 << noise.randrange(8) if trial % 2 else noise.randrange(1, 256)
        (path / name).write_bytes(damaged)
        n_errors += is_error_or_same(path, X, verdicts)
        (path / name).write_bytes(contents[name])
    assert n_errors > 1500


def test_any_end_that_is_missing_or_too_much(saved, path):
    detector, X = saved[0], np.random.default_rng(1).normal(size=(40, 8))
    verdicts = detector.predict(X)
    for name in ("detector.json", *BINARIES):
        content = (path / name).read_bytes()
        n_bytes = len(content)
        for damaged in (
            *(content[:n] for n in range(0, n_bytes, max(1, n_bytes // 50))),
            content + b"\0",
            content * 2,
            b"",
        ):
            (path / name).write_bytes(damaged)
            assert is_error_or_same(path, X, verdicts), (name, len(damaged))
        (path / name).write_bytes(content)


def test_an_edited_file_says_so_and_spaces_do_not_matter(path):
    settings = reading(path)
    (path / "detector.json").write_bytes(
        json.dumps(settings, indent=4).replace("\n", "\r\n").encode()
    )
    load_detector(path)
    for name, value in (("threshold", 0.9), ("pos_label", 0)):
        writing(path, {**settings, name: value})
        with pytest.raises(DetectorFileError, match=r"edited by hand.*detector\.threshold_ ="):
            load_detector(path)


def test_a_threshold_of_ones_own_is_set_in_python(path):
    detector = load_detector(path)
    detector.threshold_ = 0.7
    again = load_detector(detector.save(path))
    assert again.threshold_ == 0.7
    assert again.operating_point_ is None
    assert "was given, not chosen" in (path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("fixture", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_each_value_that_decides_in_the_first_format(fixture, tmp_path, monkeypatch):
    """It has no checksum: what a verdict follows from is compared with the rest of the file."""
    path = Path(shutil.copytree(fixture / "detector", tmp_path / "detector"))
    checked = []
    monkeypatch.setattr(loading, "check_encoder", lambda *arguments: checked.append(arguments))
    sound, settings = load_detector(path), reading(path)
    rows = np.random.default_rng(0).normal(size=(50, sound.n_features_of_head_))
    sound.encoder_ = None

    def verdicts(detector):
        detector.encoder_ = None
        with np.errstate(all="ignore"):
            score = detector._score_rows(detector._encode(rows))
        generated = score >= detector.threshold_
        real = next(label for label in detector.classes_ if label != detector.pos_label_)
        return np.where(generated, detector.pos_label_, real).astype(detector.classes_.dtype)

    before = verdicts(sound)
    for name in sorted({*settings, "unit_rows", "prefit", "checksum"} - {"encoder"}):
        for value in each_changed_value(settings.get(name)):
            writing(path, {**settings, name: value})
            try:
                after = verdicts(load_detector(path))
            except DetectorFileError:
                continue
            assert after.tolist() == before.tolist(), (name, value)
            assert type(after.tolist()[0]) is type(before.tolist()[0])
    # An encoder is recognised by its weights and by what it makes of a picture.
    assert checked
    assert all(call[1] == settings["encoder"] for call in checked)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"format": NaN}', "damaged"),
        (b'{"format": 1, "format": 1}', "a key is there twice"),
        (b"\xff\xfe{", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"a":' * 100_000, "damaged"),
        (b"[]", "no settings"),
        (b'{"format": "sklearn-ssafe detector", "format_version": 1e400}', "is no number"),
        (b'{"format": "sklearn-ssafe detector", "format_version": true}', "format_version"),
        (b'{"format": "sklearn-ssafe detector", "format_version": 1}', "its own files"),
        (b'{"format": "sklearn-ssafe detector", "format_version": 1, "files": 7}', "its own files"),
        (b"", "damaged"),
    ],
)
def test_settings_that_are_no_settings(path, content, reason):
    (path / "detector.json").write_bytes(content)
    with pytest.raises(DetectorFileError, match=reason):
        load_detector(path)


def sealed(path, **changes):
    """What somebody writes who knows how the checksum is made."""
    settings, files = read_folder(path)
    files |= {"README.md": b""}
    files |= {name: content for name, content in changes.items() if name in BINARIES}
    settings |= {name: value for name, value in changes.items() if name not in BINARIES}
    write_folder(path, settings, files)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"threshold": 7}, "threshold is 7, and must be a number from 0 to"),
        ({"threshold": True}, "threshold is True"),
        ({"pos_label": 5}, r"pos_label is 5, and must be one of \[0, 1\]"),
        ({"pos_label": True}, "pos_label is True"),
        ({"classes": [1, 0]}, "sorted"),
        ({"classes": [0, "1"]}, "two labels"),
        ({"classes_dtype": "<U1"}, "classes_dtype"),
        ({"classes_dtype": "O,O"}, "classes_dtype"),
        ({"n_features_in": 9}, "the array check_rows is float32"),
        ({"training_table": [{}]}, r"training_table\[0\]\.class is missing"),
        ({"recipe": "cake"}, "recipe is no setting"),
        ({"operating_point": None, "threshold": None}, "threshold is None"),
    ],
)
def test_settings_that_cannot_be_under_a_new_checksum(path, changes, reason):
    sealed(path, **changes)
    with pytest.raises(DetectorFileError, match=reason):
        load_detector(path)


# Sizes, and what lies elsewhere ------------------------------------------------------------------


def archive(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as new:
        for name, content in members.items():
            with new.open(name, "w", force_zip64=True) as member:
                for part in content:
                    member.write(part)
    return file.getvalue()


def test_an_archive_that_unpacks_to_gigabytes_is_refused_unread(path, monkeypatch):
    bomb = archive({"schema.json": [bytes(2**24)] * 20}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 4e5  # of 336 MB
    sealed(path, **{"estimators.skops": bomb})
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(DetectorFileError, match="compressed"):
        load_detector(path)


def test_a_sparse_array_of_gigabytes_within_is_refused(path):
    inner = archive({"data.npy": [bytes(2**24)] * 20}, zipfile.ZIP_DEFLATED)
    sealed(path, **{"estimators.skops": archive({"schema.json": [b"{}"], "1.npz": [inner]})})
    with pytest.raises(DetectorFileError, match=r"1\.npz would take 336 MB"):
        load_detector(path)


def test_a_head_with_a_sparse_array_is_no_bomb(rows, tmp_path):
    detector = SSAFEClassifier(encoder=None, head=LogisticRegression(), cv=None).fit(*rows)
    detector.head_.sparsify()
    assert sparse.issparse(detector.head_.coef_)
    with pytest.warns(UserWarning, match="csr_matrix"):
        path = detector.save(tmp_path / "detector")
    again = load_detector(path, trusted=["scipy.sparse._csr.csr_matrix"])
    np.testing.assert_array_equal(again.predict(rows[0]), detector.predict(rows[0]))


@pytest.mark.parametrize("name", ["detector.json", *BINARIES])
def test_a_file_of_gigabytes_is_not_read(path, name, monkeypatch):
    os.truncate(path / name, 5 * 2**30)  # it takes no space

    class Unreadable(io.FileIO):
        def read(self, *arguments):
            assert os.fstat(self.fileno()).st_size < 2**30
            return super().read(*arguments)

    monkeypatch.setattr(
        detector_folder, "open", lambda file, mode: Unreadable(file, mode), raising=False
    )
    with pytest.raises(DetectorFileError, match="MB, and at most"):
        load_detector(path)


def test_an_array_that_says_it_is_larger_than_it_is(path):
    header = {"check_rows": {"dtype": "F32", "shape": [2**40, 8], "data_offsets": [0, 2**45]}}
    text = json.dumps(header).encode()
    sealed(path, **{"arrays.safetensors": struct.pack("<Q", len(text)) + text})
    with pytest.raises(DetectorFileError, match="arrays are damaged"):
        load_detector(path)


def test_what_would_not_be_read_again_is_not_written(saved, tmp_path, monkeypatch):
    monkeypatch.setitem(detector_folder._MOST_BYTES, "arrays.safetensors", 100)
    with pytest.raises(ValueError, match="keep_training_rows=False"):
        saved[0].save(tmp_path / "detector")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "sub/file", "arrays.safetensors\0"])
def test_no_other_file_is_opened(path, name, monkeypatch):
    settings = reading(path)
    settings["files"][name] = settings["files"]["arrays.safetensors"]
    settings["checksum"] = detector_folder._checksum(settings)
    writing(path, settings)
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda file, *more: opened.append(file) or real(file, *more))
    with pytest.raises(DetectorFileError, match="its own files"):
        load_detector(path)
    assert [Path(file).name for file in opened] == ["detector.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as Unix has them")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "device"])
@pytest.mark.parametrize("name", ["detector.json", *BINARIES])
def test_what_is_no_file_of_its_own(path, tmp_path, name, kind):
    moved = (path / name).rename(tmp_path / "moved")
    if kind == "link":
        (path / name).symlink_to(moved)
    elif kind == "device":
        (path / name).symlink_to("/dev/zero")
    else:
        {"pipe": os.mkfifo, "folder": os.mkdir}[kind](path / name)
    reason = "is a link" if kind in ("link", "device") else "it is no file"
    with pytest.raises(DetectorFileError, match=reason):
        load_detector(path)


def test_the_command_line_says_it_in_one_line(path, tmp_path, capsys, monkeypatch):
    writing(path, {**reading(path), "threshold": 0.9})
    monkeypatch.setattr(sys, "argv", ["ssafe", "predict", str(path), "a.jpg"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    errors = capsys.readouterr().err
    assert errors.startswith("Error: ")
    assert "edited by hand" in errors
    assert len(errors.splitlines()) == 1


# The encoder that it names -----------------------------------------------------------------------


@pytest.fixture
def of_pictures(picture_files, tmp_path):
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    detector = SSAFEClassifier(encoder, cv=None).fit(picture_files, [0, 1] * 5)
    return detector.save(tmp_path / "of_pictures")


def with_encoder(path, **changes):
    settings = reading(path)["encoder"]
    sealed(path, encoder={**settings, "settings": {**settings["settings"], **changes}})


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder": "onnx", "weights": "//server/share/encoder.onnx"},
        {"encoder": "onnx", "weights": "\\\\server\\share\\encoder.onnx"},
        {"encoder": "onnx", "weights": "https://example.com/encoder.onnx"},
        {"encoder": "onnx", "weights": "/dev/zero"},
        {"encoder": "onnx", "weights": "/proc/kmsg"},
        {"encoder": "local-dir://server/share"},
        {"encoder": "timm/local-dir:/proc/self"},
    ],
)
def test_weights_on_another_machine_or_in_a_device(of_pictures, changes, monkeypatch):
    with_encoder(of_pictures, **changes)
    monkeypatch.setattr(loading, "check_encoder", None)  # it is not come to
    with pytest.raises(DetectorFileError, match="is no file of this machine"):
        load_detector(of_pictures)


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder": "no such encoder"},
        {"encoder": ["forensic", "forensic"]},
        {"encoder": ""},
        {"encoder": "local-dir:"},
        {"n_views": 10**9},
        {"layers": 7},
        {"preprocess": {"size": 10**6}},
        {"preprocess": {"colour": "red"}},
        {"preprocess": "stretch"},
        {"encoder": "timm/test_vit", "weights": "random", "preprocess": {"mean": "x"}},
        {"encoder": "timm/test_vit", "pretrained": "nobody"},
    ],
)
def test_an_encoder_that_cannot_be(of_pictures, changes):
    with_encoder(of_pictures, **changes)
    with pytest.raises(DetectorFileError):
        load_detector(of_pictures)


@pytest.mark.parametrize(
    "encoder", ["hf-hub:stranger/model", "timm/hf-hub:stranger/model", "timm/test_vit.r160_in1k"]
)
def test_the_network_is_reached_only_when_asked_to(of_pictures, encoder, tmp_path, monkeypatch):
    import huggingface_hub

    use_hub_cache(monkeypatch, tmp_path / "hub")
    asked = []

    def metadata(url, **options):
        asked.append(url)
        raise RuntimeError("no route")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", metadata)
    with_encoder(of_pictures, encoder=encoder, n_views=None)
    with pytest.raises(WeightsNotFoundError, match="allow_download=True"):
        load_detector(of_pictures)
    assert asked == []
    with pytest.raises(WeightsNotFoundError, match="no route"):
        load_detector(of_pictures, allow_download=True)
    assert len(asked) == 1


def test_a_loaded_detector_stays_off_the_network(of_pictures):
    detector = load_detector(of_pictures)
    assert detector.encoder_.allow_download is False
    assert load_detector(of_pictures, allow_download=True).encoder_.allow_download is True
