"""Small trees, laid out as each benchmark is."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_ssafe.datasets import list_benchmarks, load_benchmark
from sklearn_ssafe.datasets.benchmarks.layouts import LAYOUTS
from sklearn_ssafe.images import read_image

from ..conftest import encoded, picture

GENIMAGE = [
    "Midjourney", "stable_diffusion_v_1_4/imagenet_ai_0419_sdv4", "Stable Diffusion V1.5", "ADM",
    "glide", "wukong", "VQDM/imagenet_ai_0419_vqdm", "imagenet_ai_0419_biggan",
]  # fmt: skip
FORENSYNTHS = LAYOUTS["ForenSynths"].subsets
SYNTHBUSTER = LAYOUTS["Synthbuster"].subsets
UNIVFD = LAYOUTS["UniversalFakeDetect"].subsets
AIGC = LAYOUTS["AIGCDetectBenchmark"].subsets
AIGIBENCH = [
    "BlendFace", "BLIP", "CommunityAI", "DALLE-3", "E4S", "FaceSwap", "FLUX1-dev", "GLIDE",
    "Imagen3", "Infinite-ID", "InstantID", "InSwap", "IP-Adapter", "Midjourney", "PhotoMaker",
    "ProGAN", "R3GAN", "SD3", "SDXL", "SimSwap", "SocialRF", "StyleGAN-XL", "StyleGAN3",
    "StyleSwim", "WFIR",
]  # fmt: skip
HOLMES = [
    "FLUX", "Infinity", "Janus", "Janus-Pro-1B", "Janus-Pro-7B", "LlamaGen", "PixArt-XL",
    "SD35-L", "Show-o", "VAR",
]  # fmt: skip
CATEGORIES = ("progan", "stylegan", "stylegan2", "cyclegan")


def category(name):
    return f"{name}/cat" if name in CATEGORIES else name


TREES = {
    "GenImage": [
        f"{name}/{split}/{label}"
        for name in GENIMAGE
        for split in ("train", "val")
        for label in ("ai", "nature")
    ],
    "ForenSynths": [
        *(f"{s}/{c}/{label}" for s in ("train", "val") for c in ("cat", "car")
          for label in ("0_real", "1_fake")),
        *(f"test/{category(name)}/{label}" for name in FORENSYNTHS
          for label in ("0_real", "1_fake")),
    ],
    "UniversalFakeDetect": [
        "imagenet/0_real", "laion/0_real", *(f"{name}/1_fake" for name in UNIVFD[2:])
    ],
    "AIGCDetectBenchmark": [
        f"{category(name)}/{label}" for name in AIGC for label in ("0_real", "1_fake")
    ],
    "AIGIBench": [
        f"{place}/{label}"
        for place in ("train/car", "train/sdv1.4", "val/car",
                      *(f"test/{name}" for name in AIGIBENCH))
        for label in ("0_real", "1_fake")
    ],
    "AIGI-Holmes": [
        f"TestSet/{name}/{label}" for name in HOLMES for label in ("0_real", "1_fake")
    ],
    "Chameleon": ["test/0_real", "test/1_fake"],
    "WildRF": [
        f"{place}/{label}"
        for place in ("train", "val", "test/reddit", "test/twitter", "test/facebook")
        for label in ("0_real", "1_fake")
    ],
    "Synthbuster": ["real", *SYNTHBUSTER],
    "RealWorldBench": ["real/phone", "real/stock", "fake/Ideogram", "fake/FLUX"],
}  # fmt: skip


def grow(root, folders, n=2):
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(n):
            (root / folder / f"{number}.png").touch()


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    roots = {}
    for name, folders in TREES.items():
        roots[name] = tmp_path_factory.mktemp(name)
        grow(roots[name], folders)
    return roots


def summary(data):
    columns = ["split", "subset", "label", "generator", "source"]
    return set(data.frame[columns].itertuples(index=False, name=None))


@pytest.mark.parametrize("name", TREES)
def test_every_picture_has_its_label_and_comes_once(trees, name):
    data = load_benchmark(name, trees[name])
    pictures = [str(path) for path in sorted(trees[name].rglob("*.png"))]
    assert data.X.tolist() == pictures
    real = [("0_real" in p) or ("/nature/" in p) or ("/real/" in p) for p in pictures]
    np.testing.assert_array_equal(data.y, 1 - np.array(real))
    assert (data.generator[data.y == 0] == "").all()
    assert set(data.split) <= {"train", "val", "test"}
    assert data.frame["split"].tolist() == data.split.tolist()
    X, y = load_benchmark(name, trees[name], return_X_y=True)
    assert X.tolist() == data.X.tolist()
    assert y.tolist() == data.y.tolist()


def test_genimage(trees):
    data = load_benchmark("GenImage", trees["GenImage"])
    generators = LAYOUTS["GenImage"].subsets
    assert summary(data) == {
        (split, name, label, name if label else "", name if label else "ImageNet")
        for split in ("train", "val")
        for name in generators
        for label in (0, 1)
    }
    one = load_benchmark("genimage", trees["GenImage"], split="train", subsets=["SD v1.4"])
    assert set(one.generator) == {"", "Stable Diffusion V1.4"}
    assert set(one.split) == {"train"}
    assert len(one.y) == 4


def test_forensynths(trees):
    data = load_benchmark("ForenSynths", trees["ForenSynths"])
    found = summary(data)
    assert {row for row in found if row[0] != "test"} == {
        (split, "", label, "progan" if label else "", "progan" if label else "LSUN")
        for split in ("train", "val")
        for label in (0, 1)
    }
    assert {row[1] for row in found if row[0] == "test"} == set(FORENSYNTHS)
    assert ("test", "biggan", 0, "", "ImageNet") in found
    assert ("test", "san", 1, "san", "san") in found


def test_forensynths_with_the_folder_that_universalfakedetect_has(tmp_path):
    folders = ["train/progan/cat/0_real", "train/progan/cat/1_fake"]
    grow(tmp_path, folders)
    data = load_benchmark("ForenSynths", tmp_path, split="train")
    assert set(data.generator) == {"", "progan"}
    assert set(data.source) == {"LSUN", "progan"}


def test_universalfakedetect(trees):
    data = load_benchmark("UniversalFakeDetect", trees["UniversalFakeDetect"])
    assert summary(data) == {
        ("test", "imagenet", 0, "", "ImageNet"),
        ("test", "laion", 0, "", "LAION-400M"),
        *(("test", name, 1, name, name) for name in UNIVFD[2:]),
    }
    some = load_benchmark("UniversalFakeDetect", trees["UniversalFakeDetect"], subsets=["ldm 200"])
    assert set(some.source) == {"ImageNet", "LAION-400M", "ldm_200"}


def test_genimage_held_out_zip(tmp_path):
    short = ["adm", "biggan", "glide", "midjourney", "sdv4", "sdv5", "vqdm", "wukong"]
    folders = [f"genimage_test/test/{g}_imagenet/{c}" for g in short for c in ("ai", "nature")]
    grow(tmp_path, folders)
    wanted = {
        ("test", name, label, name if label else "", name if label else "ImageNet")
        for name in LAYOUTS["GenImage"].subsets
        for label in (0, 1)
    }
    for root in (tmp_path, tmp_path / "genimage_test"):
        assert summary(load_benchmark("GenImage", root)) == wanted
    for file in (tmp_path / "genimage_test/test/vqdm_imagenet").rglob("*.png"):
        file.unlink()
    with pytest.raises(ValueError, match="its split 'test' lacks VQDM"):
        load_benchmark("GenImage", tmp_path)


def test_aigibench(trees, tmp_path):
    found = summary(load_benchmark("AIGIBench", trees["AIGIBench"]))
    assert ("train", "car", 1, "ProGAN", "ProGAN") in found
    assert ("train", "car", 0, "", "LSUN") in found
    assert ("train", "sdv1.4", 1, "sdv1.4", "sdv1.4") in found
    tested = {row for row in found if row[0] == "test"}
    assert tested == {
        ("test", name, label, name if label else "", name if label else "")
        for name in AIGIBENCH
        for label in (0, 1)
    }
    assert len(AIGIBENCH) == 25
    assert summary(load_benchmark("AIGIBench", trees["AIGIBench"] / "test")) == tested
    others = {
        "Infinite-ID": "Infinite_ID",
        "IP-Adapter": "IP_Adapter",
        "Midjourney": "Midjourney-V6",
    }
    grow(tmp_path, [f"test/{others.get(name, name)}/{name}_{part}/{label}" for name in AIGIBENCH
                    for part in "ab" for label in ("0_real", "1_fake")])  # fmt: skip
    for root in (tmp_path, tmp_path / "test"):
        data = load_benchmark("AIGIBench", root)
        assert summary(data) == tested
        assert len(data.y) == 25 * 2 * 2 * 2


def test_aigi_holmes(trees):
    wanted = {
        ("test", name, label, name if label else "", name if label else "")
        for name in HOLMES
        for label in (0, 1)
    }
    root = trees["AIGI-Holmes"]
    assert summary(load_benchmark("AIGI Holmes", root)) == wanted
    assert summary(load_benchmark("AIGI-Holmes", root / "TestSet")) == wanted


def test_wildrf_and_chameleon_name_no_generator(trees):
    data = load_benchmark("Wild-RF", trees["WildRF"], split="test")
    assert set(data.generator) == {""}
    assert set(data.source) == {"reddit", "twitter", "facebook"}
    assert set(data.groups[data.y == 0]) == {"source:reddit", "source:twitter", "source:facebook"}
    data = load_benchmark("chameleon", trees["Chameleon"] / "test")
    assert summary(data) == {("test", "", 0, "", "Chameleon"), ("test", "", 1, "", "")}


def test_realworldbench(trees):
    assert summary(load_benchmark("RealWorldBench", trees["RealWorldBench"])) == {
        ("test", "", 0, "", "phone"),
        ("test", "", 0, "", "stock"),
        ("test", "Ideogram", 1, "Ideogram", "Ideogram"),
        ("test", "FLUX", 1, "FLUX", "FLUX"),
    }


# Wrong and incomplete ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_of_something_else_shows_the_layout(tmp_path, name):
    grow(tmp_path, ["holiday/beach/day 1"])
    with pytest.raises(ValueError) as error:
        load_benchmark(name, tmp_path)
    assert LAYOUTS[name].shape in str(error.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="it holds nothing"):
        load_benchmark(name, tmp_path / "empty")


@pytest.mark.parametrize("name", TREES)
def test_a_folder_too_high_is_corrected(trees, tmp_path, name):
    outer = tmp_path / "download"
    outer.mkdir()
    (outer / "unpacked").symlink_to(trees[name], target_is_directory=True)
    with pytest.raises(ValueError, match=r"Did you mean '.*unpacked'"):
        load_benchmark(name, outer)


@pytest.mark.parametrize("name", ["GenImage", "WildRF", "ForenSynths"])
def test_a_folder_too_low_is_corrected(trees, name):
    inner = next(path for path in sorted(trees[name].iterdir()) if path.name != "train")
    with pytest.raises(ValueError, match=rf"Did you mean '{trees[name]}'"):
        load_benchmark(name, inner)


@pytest.mark.parametrize("name", [n for n in TREES if LAYOUTS[n].subsets])
def test_a_missing_subset_is_named_and_what_there_is_can_be_read(tmp_path, name):
    layout = LAYOUTS[name]
    gone = layout.subsets[-1]
    folders = [f for f in TREES[name] if (layout.place(f) or {}).get("subset") != gone]
    grow(tmp_path, folders)
    with pytest.raises(ValueError, match=f"lacks {gone}") as error:
        load_benchmark(name, tmp_path)
    assert layout.shape in str(error.value)
    rest = layout.subsets[:-1]
    assert repr(list(rest)) in str(error.value)
    data = load_benchmark(name, tmp_path, subsets=rest)
    assert gone not in set(data.frame["subset"])
    assert set(data.y) == {0, 1}


@pytest.mark.parametrize("name", [n for n in TREES if LAYOUTS[n].paired])
def test_a_subset_without_its_counterpart_is_named(tmp_path, name):
    grow(tmp_path, TREES[name][:-1])
    lacking = "real" if TREES[name][-1].endswith("nature") else "generated"
    with pytest.raises(ValueError, match=f"there is no {lacking} picture|lacks") as error:
        load_benchmark(name, tmp_path)
    assert LAYOUTS[name].shape in str(error.value)


def test_generated_pictures_alone_are_incomplete(tmp_path):
    grow(tmp_path, SYNTHBUSTER)
    with pytest.raises(ValueError, match="there is no real picture") as error:
        load_benchmark("Synthbuster", tmp_path)
    assert "RAISE-1k" in str(error.value)


def test_a_training_part_alone_is_read_by_its_name(tmp_path):
    grow(tmp_path, ["train/cat/0_real", "train/cat/1_fake"])
    with pytest.raises(ValueError, match=r"(?s)lacks progan.*pass another split"):
        load_benchmark("ForenSynths", tmp_path)
    assert len(load_benchmark("ForenSynths", tmp_path, split="train").y) == 4


def test_pictures_elsewhere_are_counted(tmp_path):
    grow(tmp_path, [*TREES["WildRF"], "figures"])
    with pytest.warns(UserWarning, match=r"2 pictures .*WildRF.*figures/0\.png"):
        data = load_benchmark("WildRF", tmp_path)
    assert not any("figures" in path for path in data.X)


def test_what_does_not_exist_is_named(trees, tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'GenImage'"):
        load_benchmark("GenImages", tmp_path)
    with pytest.raises(NotADirectoryError, match="nowhere"):
        load_benchmark("GenImage", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="split must be one of train, val, test, time or None"):
        load_benchmark("GenImage", trees["GenImage"], split="all")
    with pytest.raises(ValueError, match="has no split 'test' of GenImage; it has train, val"):
        load_benchmark("GenImage", trees["GenImage"], split="test")
    with pytest.raises(ValueError, match="has no SDXL of GenImage; it has ADM"):
        load_benchmark("GenImage", trees["GenImage"], subsets=["SDXL"])
    with pytest.raises(TypeError, match=r"such as \['ADM'\]; got a str"):
        load_benchmark("GenImage", trees["GenImage"], subsets="ADM")
    with pytest.raises(ValueError, match="subsets is empty"):
        load_benchmark("GenImage", trees["GenImage"], subsets=[])


# Parquet -----------------------------------------------------------------------------------------


def write_openfake(root, name, labels, models):
    images = [{"bytes": encoded(picture(k), "PNG"), "path": f"{k}.png"} for k in range(len(labels))]
    table = pa.table({"image": images, "prompt": ["x"] * len(labels), "label": labels,
                      "model": models, "type": ["base"] * len(labels)})  # fmt: skip
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / name)


def test_openfake(tmp_path):
    for name in ("core/train-00000-of-00002", "core/train-00001-of-00002",
                 "core/validation-00000-of-00001", "reddit/test-00000-of-00001"):  # fmt: skip
        write_openfake(
            tmp_path, f"{name}.parquet", ["real", "fake", "fake"], [None, "sd-3.5", "imagen-4"]
        )
    data = load_benchmark("OpenFake", tmp_path)
    assert data.y.tolist() == [0, 1, 1] * 4
    assert data.generator.tolist() == ["", "sd-3.5", "imagen-4"] * 4
    assert data.split.tolist() == ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    assert data.frame["subset"].tolist() == ["core"] * 9 + ["reddit"] * 3
    for row, name in enumerate(data.X):
        np.testing.assert_array_equal(read_image(name), picture(row % 3))
    one = load_benchmark("OpenFake", tmp_path, split="test", subsets=["reddit"])
    assert len(one.y) == 3
    (tmp_path / "core/train-00001-of-00002.parquet").unlink()
    with pytest.warns(UserWarning, match="1 of the 2 shards .*train"):
        load_benchmark("OpenFake", tmp_path)


def test_community_forensics(tmp_path):
    table = {
        "image_data": [encoded(picture(k)) for k in range(4)],
        "label": [1, 0, 0, 1],
        "model_name": ["a/b", "real", "real", "c/d"],
        "real_source": ["LAION", "FFHQ", "COCO", "COCO"],
        "subset": ["Systematic", "Systematic", "Manual", "Manual"],
        "split": ["train", "train", "test", "test"],
    }
    (tmp_path / "data").mkdir()
    pd.DataFrame(table).to_parquet(tmp_path / "data" / "some.parquet")
    data = load_benchmark("Community Forensics", tmp_path)
    assert data.generator.tolist() == ["a/b", "", "", "c/d"]
    assert data.source.tolist() == ["a/b", "FFHQ", "COCO", "c/d"]
    assert data.split.tolist() == table["split"]
    np.testing.assert_array_equal(read_image(data.X[2]), read_image(table["image_data"][2]))


def test_community_forensics_with_pictures_as_the_hub_writes_them(tmp_path):
    table = {
        "image": [{"bytes": encoded(picture(k)), "path": f"{k}.jpg"} for k in range(2)],
        "label": [1, 0],
        "model_name": ["a/b", "real"],
        "real_source": ["LAION", "FFHQ"],
        "subset": ["Systematic", "Systematic"],
        "split": ["train", "train"],
        "architecture": ["LatDiff", None],
    }
    pd.DataFrame(table).to_parquet(tmp_path / "some.parquet")
    data = load_benchmark("CommunityForensics", tmp_path)
    assert data.frame["architecture"].tolist() == ["LatDiff", ""]
    np.testing.assert_array_equal(read_image(data.X[1]), read_image(table["image"][1]["bytes"]))


def write_dated(root, rows):
    """rows of (split, label, model, release date)."""
    for split, part in pd.DataFrame(rows, columns=["s", "label", "model", "release_date"]).groupby(
        "s"
    ):
        part = part.drop(columns="s").assign(type="base")
        part["image"] = [{"bytes": encoded(picture(k)), "path": None} for k in range(len(part))]
        part.to_parquet(root / f"{split}-0.parquet")


DATED = [
    ("train", "fake", "old", "2022-08-22"),
    ("train", "fake", "new", "2024-10-22"),
    ("train", "real", None, None),
    ("test", "fake", "old", "2022-08-22"),
    ("test", "fake", "new", "2025-01-01"),
    ("test", "fake", "newest", "2025-05"),
    ("test", "real", None, None),
]


def test_a_split_in_time(tmp_path):
    write_dated(tmp_path, DATED)
    assert load_benchmark("OpenFake", tmp_path).frame["release_date"].tolist()[-1] == ""
    data = load_benchmark("OpenFake", tmp_path, split="time", cutoff="2024-10-01")
    # The test shard comes first.
    names = ["old", "new", "newest", "", "old", "new", ""]
    assert data.generator.tolist() == names
    assert data.split.tolist() == ["val", "test", "test", "test", "train", "test", "train"]
    # The first day of `cutoff` is tested on, and a generator is on one side alone.
    data = load_benchmark("OpenFake", tmp_path, split="time", cutoff="2024-10-22")
    assert set(data.split[data.generator == "new"]) == {"test"}
    data = load_benchmark("OpenFake", tmp_path, split="time", cutoff="2024-10-23")
    assert set(data.split[data.generator == "new"]) == {"train", "val"}


def test_a_split_in_time_says_what_it_lacks(tmp_path, trees):
    write_dated(tmp_path, [*DATED, ("train", "fake", "undated", None)])
    with pytest.warns(UserWarning, match="1 generated pictures .* no release date: 'undated'"):
        data = load_benchmark("OpenFake", tmp_path, split="time", cutoff="2024-10-01")
    assert "undated" not in data.generator
    write_dated(tmp_path, DATED)
    with pytest.raises(ValueError, match=r"'train' has no generated .* 2022-08-22 to 2025-05-01"):
        load_benchmark("OpenFake", tmp_path, split="time", cutoff="2020-01-01")
    with pytest.raises(ValueError, match="needs cutoff"):
        load_benchmark("OpenFake", tmp_path, split="time")
    with pytest.raises(ValueError, match=r"cutoff must be a date.*'soon'"):
        load_benchmark("OpenFake", tmp_path, split="time", cutoff="soon")
    with pytest.raises(ValueError, match="cutoff is for split='time'"):
        load_benchmark("OpenFake", tmp_path, split="train", cutoff="2024-10-01")
    with pytest.raises(ValueError, match="needs release dates of generators, which WildRF"):
        load_benchmark("WildRF", trees["WildRF"], split="time", cutoff="2024-10-01")


# Tables of labels --------------------------------------------------------------------------------


def write_ntire(root, folder, table, rows, suffix=""):
    (root / folder / "images").mkdir(parents=True, exist_ok=True)
    for name, _ in rows:
        (root / folder / "images" / f"{name}.jpg").touch()
    lines = [f"{k},{name}{suffix},{label}\n" for k, (name, label) in enumerate(rows)]
    (root / folder / table).write_text(",image_name,label\n" + "".join(lines))


def test_ntire(tmp_path):
    write_ntire(tmp_path, "shard_0", "labels.csv", [("b", 0), ("a", 1)])
    write_ntire(tmp_path, "shard_1", "labels.csv", [("007", 1), ("a", 0)], ".jpg")
    write_ntire(tmp_path, "val_hard", "val_hard_labels.csv", [("c", 1), ("d", 0)])
    data = load_benchmark("NTIRE 2026", tmp_path)
    names = [str(tmp_path / name) for name in (
        "shard_0/images/b.jpg", "shard_0/images/a.jpg", "shard_1/images/007.jpg",
        "shard_1/images/a.jpg", "val_hard/images/c.jpg", "val_hard/images/d.jpg")]  # fmt: skip
    assert data.X.tolist() == names
    assert data.y.tolist() == [0, 1, 1, 0, 1, 0]
    assert data.split.tolist() == ["train"] * 4 + ["val"] * 2
    assert data.frame["subset"].tolist() == ["shard_0"] * 2 + ["shard_1"] * 2 + ["val_hard"] * 2
    assert set(data.generator) == set(data.source) == {""}
    (tmp_path / "shard_0/images/unlabelled.jpg").touch()
    with pytest.warns(UserWarning, match=r"1 pictures .*unlabelled\.jpg"):
        assert len(load_benchmark("NTIRE2026", tmp_path, split="train").y) == 4
    write_ntire(tmp_path, "val_hard", "val_hard_labels.csv", [("c", 1), ("d", 0), ("c", 0)])
    with pytest.raises(ValueError, match=r"'c' stands in .*val_hard_labels\.csv' more than once"):
        load_benchmark("NTIRE2026", tmp_path)
    (tmp_path / "shard_1/images/007.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 of the 2 pictures in .*shard_1.*for example '007"):
        load_benchmark("NTIRE2026", tmp_path)
    (tmp_path / "shard_1/labels.csv").write_text("name,label\na,1\n")
    with pytest.raises(ValueError, match="has no column image_name"):
        load_benchmark("NTIRE2026", tmp_path)


def test_shards_that_are_damaged_or_of_another_kind_are_named(tmp_path):
    (tmp_path / "test-0.parquet").write_bytes(b"not what the name says")
    with pytest.raises(ValueError, match=r"test-0\.parquet' is damaged"):
        load_benchmark("OpenFake", tmp_path)
    pd.DataFrame({"image": [b"x"], "text": ["y"]}).to_parquet(tmp_path / "test-0.parquet")
    with pytest.raises(ValueError, match=r"has no column label, model; it has image, text") as e:
        load_benchmark("OpenFake", tmp_path)
    assert LAYOUTS["OpenFake"].shape in str(e.value)
    write_openfake(tmp_path, "test-0.parquet", ["real", "edited"], [None, "x"])
    with pytest.raises(ValueError, match=r"column 'label' of .*test-0.*'edited'"):
        load_benchmark("OpenFake", tmp_path)


def test_the_list_names_every_benchmark():
    table = list_benchmarks()
    assert table["benchmark"].tolist() == list(LAYOUTS)
    assert (table != "").all(axis=None)
