import os
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorCurator
from sklearn_ssafe.datasets import load_manifest, make_generated_images

from .conftest import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sixty small pictures with their manifest."""
    folder = tmp_path_factory.mktemp("made") / "pictures"
    make_generated_images(60, image_size=48, output_dir=folder, random_state=0)
    return folder


def curate(*arguments):
    return run("curate", "--quiet", *arguments)


def test_the_chosen_manifest_is_what_the_curator_chooses(made, tmp_path):
    (tmp_path / "deeper").mkdir()
    output = tmp_path / "deeper" / "chosen.csv"
    options = ["--n-generators", 3, "--n-samples", 18, "--seed", 4]
    result = curate(made / "manifest.csv", "-o", output, *options)
    assert result.exit_code == 0, result.output
    pool = load_manifest(made / "manifest.csv")
    features = FrozenEncoderTransformer().fit_transform(pool.X)
    curator = GeneratorCurator(3, n_samples=18, random_state=4)
    curator.fit(features, pool.y, generator=pool.generator, source=pool.source)
    chosen = load_manifest(output)  # its relative paths lead to the pictures
    expected = [pool.X[row] for row in curator.sample_indices_]
    assert [_resolved(path) for path in chosen.X] == [_resolved(path) for path in expected]
    assert chosen.y.tolist() == pool.y[curator.sample_indices_].tolist()
    for name in curator.selected_generators_:
        (line,) = [line for line in result.output.splitlines() if f" {name} " in line]
        assert line.split()[0] == "generated"
        assert line.split()[-1] == "3"
    assert "9 real and 9 generated pictures are listed in" in result.output


@pytest.mark.parametrize("encoder", ["forensic", "efficientnet_lite0"])
def test_the_choice_is_the_same_with_the_rows_of_ssafe_embed(made, tmp_path, encoder):
    rows = tmp_path / "rows.npz"
    arguments = ["embed", made / "images", "-o", rows, "--encoder", encoder, "--quiet"]
    assert run(*arguments).exit_code == 0
    options = ["--n-generators", 3, "--n-samples", 18, "--selection", "k_centre"]
    chosen = []
    for how in (["--encoder", encoder], ["--embeddings", rows]):
        output = tmp_path / f"{len(chosen)}.csv"
        result = curate(made / "manifest.csv", "-o", output, *options, *how)
        assert result.exit_code == 0, result.output
        chosen.append(output.read_text())
    assert chosen[0] == chosen[1]
    # Measurements in different units are scaled first, for which the embeddings must be theirs.
    pool = load_manifest(made / "manifest.csv")
    features = FrozenEncoderTransformer(encoder).fit_transform(pool.X)
    if encoder == "forensic":
        features = StandardScaler().fit_transform(features)
    curator = GeneratorCurator(3, n_samples=18, selection="k_centre", random_state=0)
    curator.fit(features, pool.y, generator=pool.generator, source=pool.source)
    expected = [_resolved(pool.X[row]) for row in curator.sample_indices_]
    assert [_resolved(path) for path in load_manifest(output).X] == expected


def _resolved(path):
    return os.path.realpath(path)


def test_embeddings_of_ones_own_and_domains(made, tmp_path):
    table = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    table["path"] = [str(made / path) for path in table["path"]]
    table["domain"] = np.where(np.arange(60) < 30, "faces", "places")
    table.to_csv(tmp_path / "pool.csv", index=False)
    X = np.random.default_rng(0).normal(size=(60, 5))
    np.savez(tmp_path / "embeddings.npz", X, path=table["path"].to_numpy(str))
    arguments = ["--embeddings", tmp_path / "embeddings.npz", "--n-samples", 12]
    result = curate(
        tmp_path / "pool.csv", "-o", tmp_path / "chosen.csv", "--n-generators", 3, *arguments
    )
    assert result.exit_code == 0, result.output
    curator = GeneratorCurator(3, n_samples=12, random_state=0)
    names = {name: table[name] for name in ("generator", "domain", "source")}
    curator.fit(X, (table["label"] == "generated").astype(int), **names)
    chosen = pd.read_csv(tmp_path / "chosen.csv", keep_default_na=False)
    assert chosen["path"].map(_name).tolist() == [
        _name(table["path"][row]) for row in curator.sample_indices_
    ]
    assert curator.selected_generators_[0] in result.output


def _name(path):
    return path.rpartition("/")[2]


def test_a_picture_that_cannot_be_read_is_named_and_left_out(made, tmp_path):
    make_generated_images(24, image_size=48, output_dir=tmp_path / "m", random_state=0)
    bad = tmp_path / "m" / "images" / "image_00005.jpg"
    bad.write_bytes(b"no picture")
    output = tmp_path / "chosen.csv"
    options = ["--n-samples", 6, "--n-generators", 3, "--selection", "k_centre"]
    result = curate(tmp_path / "m" / "manifest.csv", "-o", output, *options)
    assert result.exit_code == 0, result.output
    assert "Left out: 1" in result.stderr
    assert f"row 7: {bad}" in result.stderr  # as a spreadsheet counts them
    assert len(load_manifest(output).X) == 6


def test_what_differs_from_what_was_asked_is_said(made, tmp_path):
    result = curate(made / "manifest.csv", "-o", tmp_path / "chosen.csv")
    assert result.exit_code == 0
    assert "n_samples=10000 asks for 5000 real" in result.stderr
    assert "n_generators=8 were asked for, and there are 6" in result.stderr
    assert len(load_manifest(tmp_path / "chosen.csv").X) == 60


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.ones((60, 2))}, "does not say which row is which picture: add the array path"),
        ({"X": np.ones((3, 2)), "path": ["a"]}, r"of shape \(3, 2\), and 1 paths"),
        ({"X": np.ones((2, 1)), "path": ["a", "b"]}, "no embedding of 60 of 60 pictures"),
        ({"X": np.eye(2), "path": ["a", "../x/a"]}, "no embedding of 60 of 60 pictures"),
        ({"X": np.eye(2), "path": ["a", "x/../a"]}, "two different rows for x/../a"),
        ({"X": np.ones((60, 2)), "y": np.ones(60)}, r"holds the arrays \['X', 'y'\]"),
        ({"X": np.array([None])}, "no .npz file of plain arrays"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(made, tmp_path, arrays, message):
    np.savez(tmp_path / "embeddings.npz", **arrays)
    result = curate(
        made / "manifest.csv",
        *("-o", tmp_path / "chosen.csv", "--embeddings", tmp_path / "embeddings.npz"),
    )
    assert result.exit_code == 1
    assert re.search(message, result.stderr)
    assert not (tmp_path / "chosen.csv").exists()


def test_what_ssafe_embed_writes_is_matched_by_path(made, tmp_path):
    table = pd.read_csv(made / "manifest.csv")
    paths = [str(made / path) for path in table["path"]]
    X = np.random.default_rng(0).normal(size=(60, 5))
    np.savez(tmp_path / "ours.npz", path=np.array(paths), embedding=X)
    order = np.random.default_rng(1).permutation(60)
    np.savez(tmp_path / "theirs.npz", path=np.array(paths)[order], embedding=X[order])
    for name in ("ours", "theirs"):
        result = curate(
            made / "manifest.csv",
            *("-o", tmp_path / f"{name}.csv", "--embeddings", tmp_path / f"{name}.npz"),
            *("--n-generators", 3, "--n-samples", 12),
        )
        assert result.exit_code == 0, result.output
    assert (tmp_path / "theirs.csv").read_text() == (tmp_path / "ours.csv").read_text()
    np.savez(tmp_path / "part.npz", path=np.array(paths)[1:], embedding=X[1:])
    result = curate(
        made / "manifest.csv",
        *("-o", tmp_path / "part.csv", "--embeddings", tmp_path / "part.npz"),
    )
    assert f"no embedding of 1 of 60 pictures, such as {paths[0]}" in result.stderr


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(made, tmp_path, content):
    (tmp_path / "embeddings.npz").write_bytes(content)
    result = curate(
        made / "manifest.csv",
        *("-o", tmp_path / "chosen.csv", "--embeddings", tmp_path / "embeddings.npz"),
    )
    assert result.exit_code == 1
    assert "no .npz file of plain arrays" in result.stderr


def test_one_npy_array_is_no_npz(made, tmp_path):
    with open(tmp_path / "embeddings.npz", "wb") as file:
        np.save(file, np.ones((60, 2)))
    result = curate(
        made / "manifest.csv",
        *("-o", tmp_path / "chosen.csv", "--embeddings", tmp_path / "embeddings.npz"),
    )
    assert "no .npz file of plain arrays" in result.stderr
