import os
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
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
    features = FrozenEncoderTransformer(cache=None).fit_transform(pool.X)
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
    files = [tmp_path / "rows.npz", tmp_path / "rows.parquet"]
    for rows in files:
        arguments = ["embed", made / "images", "-o", rows, "--encoder", encoder, "--quiet"]
        assert run(*arguments).exit_code == 0
    parts = tmp_path / "parts"
    parts.mkdir()
    table = pq.read_table(files[1])
    table = table.set_column(0, "path", [[str(tmp_path / p) for p in table["path"].to_pylist()]])
    for number in range(3):
        pq.write_table(table.slice(20 * number, 20), parts / f"part-{number}.parquet")
    options = ["--n-generators", 3, "--n-samples", 18, "--selection", "k_centre"]
    chosen = []
    for how in (["--encoder", encoder], *(["--embeddings", rows] for rows in (*files, parts))):
        output = tmp_path / f"{len(chosen)}.csv"
        result = curate(made / "manifest.csv", "-o", output, *options, *how)
        assert result.exit_code == 0, result.output
        chosen.append(output.read_text())
    assert len(chosen) == 4
    assert set(chosen) == {chosen[0]}
    # Measurements in different units are scaled first, for which the embeddings must be theirs.
    pool = load_manifest(made / "manifest.csv")
    features = FrozenEncoderTransformer(encoder, cache=None).fit_transform(pool.X)
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
        ({"X": np.ones((60, 2)), "y": np.ones(60)}, "holds the arrays X, y, and none called emb"),
        ({"X": np.array([None])}, "damaged, or holds Python objects"),
        ({"X": np.array(["a"]), "path": ["a"]}, "the array embedding of .* must hold numbers"),
        ({"X": np.eye(2), "path": [1, 2]}, "the array path of .* must hold text"),
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


@pytest.mark.parametrize("command", ["curate", "fit"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.npz", b"", "rows.npz is empty. Make one of the pictures: ssafe embed"),
        ("rows.npz", b"text", "rows.npz is neither, or damaged. Make one"),
        ("rows.npz", b"PK\x03\x04 cut off", "rows.npz is damaged, or holds Python objects"),
        ("rows.npz", b"\x80\x04]\x94K\x01a.", "rows.npz is neither, or damaged"),
        ("rows", b"\x93NUMPY\x01\x00", "is a single array, .* Write the paths with it: np.savez"),
        ("rows.parquet", b"text", "rows.parquet is neither, or damaged"),
        ("rows.csv", b"path,x\na,1\n", "rows.csv is a table. Turn its columns .* np.savez"),
        ("rows.xlsx", b"PK\x03\x04", "rows.xlsx is a table. Turn its columns"),
        ("rows.JPG", b"\xff\xd8\xff\xe0", "rows.JPG is neither, or damaged"),
    ],
)
def test_a_file_that_holds_no_embeddings_is_refused(
    made, tmp_path, command, name, content, message
):
    (tmp_path / name).write_bytes(content)
    arguments = ("-o", tmp_path / "out.csv", "--embeddings", tmp_path / name)
    result = run(command, made / "manifest.csv", *arguments)
    assert result.exit_code == 1
    text = " ".join(result.stderr.split())
    assert re.search(message, text), text
    assert "pickle" not in text  # NumPy's advice, to trust the file
    assert not (tmp_path / "out.csv").exists()


def data_set(made, folder, seed=0):
    """Write embeddings with their labels as files; return all of their rows as one table."""
    table = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    table["path"] = [str(made / path) for path in table["path"]]
    rng = np.random.default_rng(seed)
    centres = {name: rng.normal(size=5) for name in sorted(set(table["generator"]))}
    X = rng.normal(size=(60, 5)) + np.array([centres[name] for name in table["generator"]])
    table["embedding"] = list(X.astype(np.float32))
    table.loc[7, ["reason", "embedding"]] = ["is empty", None]
    folder.mkdir()
    for number in range(3):
        rows = table.iloc[20 * number : 20 * (number + 1)]
        pq.write_table(pa.Table.from_pandas(rows), folder / f"part-{number}.parquet")
    return table


def test_files_that_hold_embeddings_and_labels(made, tmp_path, monkeypatch):
    table = data_set(made, tmp_path / "pool")
    monkeypatch.setattr("sklearn_ssafe.curation.curator.MOST_EXACT", 10)  # so they are streamed
    output = tmp_path / "chosen.csv"
    options = ["--n-generators", 3, "--n-samples", 12]
    result = curate(tmp_path / "pool", "-o", output, *options)
    assert result.exit_code == 0, result.output
    assert "nothing is encoded" in result.stderr
    assert "1 of 60 rows have no embedding" in result.stderr
    assert f"row 7: {table['path'][7]}: is empty" in result.stderr
    good = table.drop(index=7)
    curator = GeneratorCurator(3, n_samples=12, method="random_features", random_state=0)
    names = {name: good[name] for name in ("generator", "source")}
    curator.fit(np.stack(good["embedding"]), (good["label"] == "generated").astype(int), **names)
    expected = good.iloc[curator.sample_indices_]
    chosen = load_manifest(output)
    assert [_resolved(path) for path in chosen.X] == [_resolved(path) for path in expected["path"]]
    assert chosen.y.tolist() == (expected["label"] == "generated").astype(int).tolist()
    assert chosen.generator.tolist() == expected["generator"].tolist()
    assert "embedding" not in chosen.frame
    assert "6 real and 6 generated pictures are listed in" in result.output
    (tmp_path / "pool" / "part-0.parquet").rename(tmp_path / "one.parquet")
    result = curate(tmp_path / "one.parquet", "-o", output, *options)
    assert "nothing is encoded" in result.stderr


def test_rows_without_a_path_are_listed_without_one(made, tmp_path):
    table = data_set(made, tmp_path / "pool")
    table["path"] = table["path"].mask(table.index % 2 == 0)
    pq.write_table(pa.Table.from_pandas(table), tmp_path / "pool" / "part-0.parquet")
    output = tmp_path / "chosen.csv"
    result = curate(tmp_path / "pool", "-o", output, "--n-generators", 3, "--n-samples", 12)
    assert result.exit_code == 0, result.output
    paths = pd.read_csv(output, keep_default_na=False)["path"]
    assert 0 < (paths == "").sum() < 12 == len(paths)


def test_a_table_beside_streamed_files(made, tmp_path, monkeypatch):
    """Pictures that the table lists twice, and rows that it does not list."""
    table = data_set(made, tmp_path / "pool")
    monkeypatch.setattr("sklearn_ssafe.curation.curator.MOST_EXACT", 10)
    listed = pd.concat([table.iloc[::-1][:50], table.iloc[[30]]]).drop(columns="embedding")
    listed.to_csv(tmp_path / "listed.csv", index=False)
    arguments = ["--embeddings", tmp_path / "pool", "--n-generators", 3, "--n-samples", 12]
    output = tmp_path / "chosen.csv"
    with pytest.warns(UserWarning, match="more than one row"):
        result = curate(tmp_path / "listed.csv", "-o", output, *arguments)
    assert result.exit_code == 0, result.output
    assert "because an earlier row has the same picture: 1" in result.stderr
    assert "10 of 60 rows have no label" in result.stderr
    good = table[10:]
    curator = GeneratorCurator(3, n_samples=12, method="random_features", random_state=0)
    names = {name: good[name] for name in ("generator", "source")}
    curator.fit(np.stack(good["embedding"]), (good["label"] == "generated").astype(int), **names)
    expected = good["path"].iloc[curator.sample_indices_]
    chosen = [_resolved(path) for path in load_manifest(output).X]
    assert chosen == [_resolved(path) for path in expected]


def test_parquet_files_that_do_not_fit_are_refused(made, tmp_path):
    table = data_set(made, tmp_path / "pool")
    output = ["-o", tmp_path / "chosen.csv"]
    (tmp_path / "unlabelled").mkdir()
    rows = pa.Table.from_pandas(table.drop(columns="generator"))
    pq.write_table(rows, tmp_path / "unlabelled" / "x.parquet")
    result = curate(tmp_path / "unlabelled", *output)
    assert "has embeddings, and no column 'generator'" in result.stderr
    pq.write_table(rows.drop_columns(["path"]), tmp_path / "unlabelled" / "x.parquet")
    result = curate(made / "manifest.csv", *output, "--embeddings", tmp_path / "unlabelled")
    assert "does not say which row is which picture" in result.stderr
    twice = pd.concat([table.drop(columns="hash", errors="ignore"), table.iloc[[3]]])
    twice.iloc[-1, twice.columns.get_loc("embedding")] = np.zeros(5, dtype=np.float32)
    pq.write_table(pa.Table.from_pandas(twice), tmp_path / "twice.parquet")
    result = curate(made / "manifest.csv", *output, "--embeddings", tmp_path / "twice.parquet")
    assert f"two different rows for {table['path'][3]}" in result.stderr
    assert not (tmp_path / "chosen.csv").exists()


def test_a_folder_of_pictures_stays_one_with_a_parquet_file_in_it(tmp_path):
    for name in ("real", "generated/gan", "generated/diffusion"):
        (tmp_path / "p" / name).mkdir(parents=True)
    pictures = make_generated_images(24, image_size=48, random_state=0)
    for row, (content, label) in enumerate(zip(pictures.X, pictures.y, strict=True)):
        name = ("real", "generated/gan", "generated/diffusion")[label * (1 + row % 2)]
        (tmp_path / "p" / name / f"{row}.jpg").write_bytes(content)
    result = run("embed", tmp_path / "p", "-o", tmp_path / "p" / "rows.parquet", "--quiet")
    assert result.exit_code == 0
    options = ["--n-samples", 6, "--n-generators", 2]
    result = curate(tmp_path / "p", "-o", tmp_path / "chosen.csv", *options)
    assert result.exit_code == 0, result.output
    assert "nothing is encoded" not in result.stderr
