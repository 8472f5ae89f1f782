import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler, normalize

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.curation import embedding_files, streamed_pool
from sklearn_ssafe.exceptions import CurationWarning

N_ROWS, N_COLUMNS = 3000, 6
COLUMNS = {"y": "label", "generator": "generator", "domain": "domain", "source": "source"}


def pool(dtype=np.float32, seed=0):
    """A third real rows of two sources; eight generators at very different distances."""
    rng = np.random.default_rng(seed)
    number = rng.choice(8, N_ROWS, p=np.arange(4, 12) / 60)
    y = (rng.random(N_ROWS) < 2 / 3).astype(int)
    centres = rng.normal(size=(8, N_COLUMNS)) * 2
    X = rng.normal(size=(N_ROWS, N_COLUMNS)) + centres[number] * y[:, None]
    return {
        "X": X.astype(dtype),
        "y": y,
        "generator": np.where(y, np.array(list("abcdefgh"))[number], ""),
        "domain": np.where(rng.random(N_ROWS) < 0.6, "faces", "places"),
        "source": np.where(y, "", np.where(rng.random(N_ROWS) < 0.3, "phone", "studio")),
    }


def as_table(data):
    columns = {name: data[key] for key, name in COLUMNS.items() if key in data}
    lists = pa.FixedSizeListArray.from_arrays(pa.array(data["X"].ravel()), data["X"].shape[1])
    return pa.table({**columns, "embedding": lists})


def written(data, folder, sizes=(N_ROWS,), row_group_size=700):
    folder.mkdir(exist_ok=True)
    start = 0
    for number, size in enumerate(sizes):
        file = folder / f"part-{number:03}.parquet"
        pq.write_table(as_table(data).slice(start, size), file, row_group_size=row_group_size)
        start += size
    return folder


def curated(**parameters):
    return GeneratorCurator(
        **{
            "n_generators": 3,
            "n_samples": 120,
            "random_state": 0,
            "method": "random_features",
            **parameters,
        }
    )


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(embedding_files, "BLOCK_ROWS", 128)
    monkeypatch.setattr(streamed_pool, "BLOCK_ROWS", 128)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"kernel": "linear", "method": "auto"},
        {"kernel": "linear", "method": "exact"},
        {"unbiased": False, "bandwidth": 0.7, "n_frequencies": 50},
        {"sampling": "within", "start": "random", "quotas": "proportional"},
        {"encoder": StandardScaler()},
        {"method": "exact"},
        {"method": "auto", "kernel": "polynomial", "selection": "k_centre"},
    ],
)
def test_the_choice_is_that_from_memory(tmp_path, parameters, dtype):
    data = pool(dtype)
    here, there = curated(**parameters), curated(**parameters)
    X, y = here.fit_resample(**data)
    X_read, y_read = there.fit_resample(written(data, tmp_path / "p"), **COLUMNS)
    np.testing.assert_allclose(there.distances_, here.distances_, atol=1e-6)
    assert (there.bandwidth_ is None) == (here.bandwidth_ is None)
    assert (there.bandwidth_ or 1) == pytest.approx(here.bandwidth_ or 1, rel=1e-6)
    assert there.method_ == here.method_
    assert (there.sample_indices_ == here.sample_indices_).all()
    assert there.selected_generators_.tolist() == here.selected_generators_.tolist()
    assert (there.clusters_ == here.clusters_).all()
    pd.testing.assert_frame_equal(there.summary_, here.summary_)
    np.testing.assert_array_equal(X_read, X)
    assert X_read.dtype == dtype
    np.testing.assert_array_equal(y_read, y)
    assert there.n_left_out_ == here.n_left_out_ == 0


@pytest.mark.usefixtures("small_blocks")
def test_how_rows_lie_in_files_changes_no_bit(tmp_path):
    data = pool()
    curators = []
    for number, (sizes, group_size) in enumerate(
        [((N_ROWS,), 5000), ((1, 7, 700, 0, 2292), 100), ([30] * 100, 7)]
    ):
        folder = written(data, tmp_path / str(number), sizes, group_size)
        curators.append(curated().fit(folder, **COLUMNS))
    for other in curators[1:]:
        assert (other.distances_ == curators[0].distances_).all()
        assert other.bandwidth_ == curators[0].bandwidth_
        assert (other.sample_indices_ == curators[0].sample_indices_).all()


@pytest.mark.usefixtures("small_blocks")
def test_shuffled_rows_give_the_same_choice(tmp_path):
    data = pool()
    order = np.random.default_rng(1).permutation(N_ROWS)
    shuffled = {name: values[order] for name, values in data.items()}
    first = curated().fit(written(data, tmp_path / "1"), **COLUMNS)
    other = curated().fit(written(shuffled, tmp_path / "2"), **COLUMNS)
    np.testing.assert_allclose(other.distances_, first.distances_, atol=1e-6)
    assert set(order[other.sample_indices_]) == set(first.sample_indices_)


def exact_distances(X, label, bandwidth):
    """Root of the unbiased MMD by scikit-learn's kernel, all pairs at once."""
    X, names = normalize(X.astype(np.float64)), sorted(set(label) - {""})
    K = rbf_kernel(X, gamma=1 / (2 * bandwidth**2))
    rows = [np.flatnonzero(label == name) for name in names]
    within = [
        (K[np.ix_(r, r)].sum() - np.trace(K[np.ix_(r, r)])) / (len(r) * (len(r) - 1)) for r in rows
    ]
    between = np.array([[K[np.ix_(r, s)].mean() for s in rows] for r in rows])
    squared = np.add.outer(within, within) - 2 * between
    np.fill_diagonal(squared, 0)
    return np.sqrt(np.clip(squared, 0, None))


def test_distances_come_nearer_the_exact_ones_the_more_frequencies_there_are(tmp_path):
    data = pool(seed=7)
    folder = written(data, tmp_path / "p")
    label = np.where(data["y"], data["generator"], "")
    columns = {name: COLUMNS[name] for name in ("y", "generator", "source")}
    exact = exact_distances(data["X"], label, bandwidth=1.0)

    def error(n_frequencies):
        errors = []
        for seed in range(8):
            curator = curated(bandwidth=1.0, n_frequencies=n_frequencies, random_state=seed)
            errors.append(curator.fit(folder, **columns).distances_ - exact)
        return np.sqrt(np.mean(np.square(errors)))

    few, many = error(25), error(2500)
    assert 5 < few / many < 20  # a hundred times as many, a tenth of the error
    # Exact distances choose the same generators in the same order, where they leave no doubt.
    names = sorted(set(label) - {""})
    sums = exact.sum(axis=1)
    assert np.diff(np.sort(sums))[0] > 0.05
    chosen = [int(sums.argmin())]
    while len(chosen) < 4:
        nearest = exact[chosen].min(axis=0)
        assert np.diff(np.sort(nearest))[-1] > 0.05
        chosen.append(int(nearest.argmax()))
    curator = curated(bandwidth=1.0, n_frequencies=2500, n_generators=4).fit(folder, **columns)
    assert curator.selected_generators_.tolist() == [names[number] for number in chosen]


@pytest.mark.parametrize("method", ["random_features", "exact"])
@pytest.mark.parametrize("encoder", [None, StandardScaler()])
def test_rows_without_an_embedding_or_a_label_are_left_out_and_counted(tmp_path, method, encoder):
    data = pool()
    rng = np.random.default_rng(2)
    missing, nan, unlabelled = np.split(rng.permutation(N_ROWS)[:400], [200, 300])
    good = np.ones(N_ROWS, dtype=bool)
    good[[*missing, *nan, *unlabelled]] = False
    table = as_table(data).to_pydict()
    for row in missing:
        table["embedding"][row] = None
    for row in nan:
        table["embedding"][row] = [*table["embedding"][row][:-1], np.nan]
    for row in unlabelled:
        table["label"][row] = None
    table["reason"] = ["" if ok else f"cannot read {row}" for row, ok in enumerate(good)]
    schema = pa.schema({"embedding": pa.list_(pa.float32()), "label": pa.int64()})
    file = tmp_path / "x.parquet"
    types = {field.name: field.type for field in schema}
    pq.write_table(pa.table({n: pa.array(v, types.get(n)) for n, v in table.items()}), file)
    curator = curated(method=method, encoder=encoder)
    with pytest.warns(CurationWarning) as caught:
        X, y = curator.fit_resample(file, **COLUMNS)
    (warning,) = caught
    assert warning.filename == __file__.replace(".pyc", ".py")
    text = str(warning.message)
    assert "300 of 3,000 rows have no embedding" in text
    first = min(*missing, *nan)
    assert f"\n  row {first}: cannot read {first}\n" in text
    assert "and 295 more" in text
    assert "100 of 3,000 rows have no label" in text
    assert curator.n_left_out_ == 400
    assert good[curator.sample_indices_].all()
    kept = curated(method=method, encoder=encoder)
    expected, _ = kept.fit_resample(**{name: values[good] for name, values in data.items()})
    np.testing.assert_array_equal(X, expected)
    assert (curator.sample_indices_ == np.flatnonzero(good)[kept.sample_indices_]).all()
    np.testing.assert_allclose(curator.distances_, kept.distances_, atol=1e-6)
    assert curator.summary_["pictures"].sum() == good.sum()
    assert y.tolist() == data["y"][curator.sample_indices_].tolist()


@pytest.mark.parametrize("selection", ["k_means", "k_centre"])
def test_pictures_are_chosen_among_eight_times_as_many(tmp_path, selection, monkeypatch):
    data = pool()
    folder = written(data, tmp_path / "p")
    # More than any group has: as from memory.
    monkeypatch.setattr(streamed_pool, "_LOOKED_AT", 1000)
    there = curated(selection=selection, n_samples=24).fit(folder, **COLUMNS)
    here = curated(selection=selection, n_samples=24).fit(**data)
    assert (there.sample_indices_ == here.sample_indices_).all()
    monkeypatch.undo()
    curator = curated(selection=selection, n_samples=24).fit(folder, **COLUMNS)
    drawn = curated(n_samples=192).fit(folder, **COLUMNS)  # eight times as many, drawn
    assert set(curator.sample_indices_) < set(drawn.sample_indices_)
    assert (curator.summary_["taken"] == here.summary_["taken"]).all()


def test_labels_as_arrays_beside_a_dataset(tmp_path):
    data = pool()
    dataset = pads.dataset(written(data, tmp_path / "p"), format="parquet")
    words = pd.Series(np.where(data["y"], "fake", "photo"), index=range(7, N_ROWS + 7))
    names = {name: data[name].astype(object) for name in ("generator", "domain", "source")}
    curator = curated()
    X, y = curator.fit_resample(dataset, words, **names)
    expected = curated().fit(**data)
    assert (curator.sample_indices_ == expected.sample_indices_).all()
    assert (y == words.iloc[curator.sample_indices_]).all()
    assert isinstance(y, pd.Series)
    rows = dataset.take(curator.sample_indices_)
    np.testing.assert_array_equal(np.array(rows["embedding"].to_pylist(), dtype=np.float32), X)
    with pytest.raises(ValueError, match=r"generator has 3 values, and .* 3000 rows"):
        curated().fit(dataset, "label", generator=["a", "b", "c"])


def test_names_are_one_name_if_their_texts_are_and_words_are_labels(tmp_path):
    """As in `labels.as_name`, whatever the type that a file gives its column."""
    data = pool()
    number = {letter: float(k) for k, letter in enumerate("abcdefgh")}
    generators = [number.get(name) for name in data["generator"]]
    half = N_ROWS // 2
    words = np.where(data["y"], "Fake", "Real")
    lists = as_table(data)["embedding"].combine_chunks()
    for file, part, kind in (("1", slice(0, half), pa.float64()), ("2", slice(half, None), None)):
        names = generators[part]
        if kind is None:
            names = [None if name is None else str(int(name)) for name in names]
        table = pa.table(
            {
                "made by": pa.array(names, kind),
                "what": pa.array(words[part]).dictionary_encode(),
                "embedding": lists[part],
            }
        )
        pq.write_table(table, tmp_path / f"{file}.parquet")
    curator = curated().fit(tmp_path, "what", generator="made by")
    assert curator.generators_.tolist() == [str(k) for k in range(8)]
    renamed = np.array(["" if name is None else str(int(name)) for name in generators])
    expected = curated().fit(data["X"], data["y"], generator=renamed)
    assert (curator.sample_indices_ == expected.sample_indices_).all()


def test_columns_of_numbers_have_names(tmp_path):
    data = pool()
    frame = pd.DataFrame(data["X"], columns=[f"f{column}" for column in range(N_COLUMNS)])
    frame.assign(label=data["y"], generator=data["generator"]).to_parquet(tmp_path / "x.parquet")
    curator = curated().fit(tmp_path / "x.parquet", "label", generator="generator")
    assert curator.feature_names_in_.tolist() == frame.columns.tolist()
    assert curator.n_features_in_ == N_COLUMNS
    expected = curated().fit(data["X"], data["y"], generator=data["generator"])
    assert (curator.sample_indices_ == expected.sample_indices_).all()


def test_a_file_that_appears_meanwhile_moves_no_row(tmp_path, monkeypatch):
    data = pool()
    folder = written(data, tmp_path / "p")
    choose = GeneratorCurator._choose

    def choose_and_write(*given):
        choose(*given)
        pq.write_table(as_table(data).slice(5, 7), folder / "a.parquet")  # the first by its name

    monkeypatch.setattr(GeneratorCurator, "_choose", choose_and_write)
    curator = curated()
    X, y = curator.fit_resample(folder, **COLUMNS)
    np.testing.assert_array_equal(X, data["X"][curator.sample_indices_])
    np.testing.assert_array_equal(y, data["y"][curator.sample_indices_])


def test_words_in_bytes_are_labels(tmp_path):
    data = pool()
    data["y"] = np.where(data["y"], b"fake", b"real")  # the greater one is real
    curator = curated().fit(written(data, tmp_path / "p"), **COLUMNS)
    assert (curator.sample_indices_ == curated().fit(**pool()).sample_indices_).all()
    assert (curated().fit(**data).sample_indices_ == curator.sample_indices_).all()


@pytest.mark.parametrize("kind", [pa.bool_(), pa.int8(), pa.float64(), pa.string()])
def test_labels_of_all_types(tmp_path, kind):
    data = pool()
    table = as_table(data)
    labels = table["label"].cast(kind)
    pq.write_table(table.set_column(0, "label", labels), tmp_path / "x.parquet")
    curator = curated()
    _, y = curator.fit_resample(tmp_path, **COLUMNS)
    assert (curator.sample_indices_ == curated().fit(**data).sample_indices_).all()
    assert y.tolist() == labels.take(curator.sample_indices_).to_pylist()


def test_other_labels(tmp_path):
    data = pool()
    data["y"] = np.where(data["y"], "made", "taken")
    folder = written(data, tmp_path / "p")
    chosen = curated(pos_label="made").fit(folder, **COLUMNS).sample_indices_
    expected = curated(pos_label="made").fit(**data).sample_indices_
    assert (chosen == expected).all()
    with pytest.raises(ValueError, match=r"which of the labels \['made', 'taken'\]"):
        curated().fit(folder, **COLUMNS)


def test_one_generator_and_small_ones(tmp_path):
    data = pool()
    data["generator"] = np.where(data["y"], "one", "").astype(object)
    data["generator"][np.flatnonzero(data["y"])[:3]] = ["single", "two", "two"]
    del data["domain"]
    folder = written(data, tmp_path / "p")
    columns = {name: COLUMNS[name] for name in data if name != "X"}
    with pytest.warns(CurationWarning, match="no candidates: single, two"):
        curator = curated(n_generators=1, min_pictures=3).fit(folder, **columns)
    with pytest.warns(CurationWarning):
        expected = curated(n_generators=1, min_pictures=3).fit(**data)
    assert curator.distances_.tolist() == [[0.0]]
    assert (curator.sample_indices_ == expected.sample_indices_).all()
    assert (curator.bandwidth_, curator.method_) == (None, "random_features")


@pytest.mark.parametrize(
    ("columns", "parameters", "message"),
    [
        ({"generator": None}, {}, "pass generator="),
        ({"y": None}, {}, 'such as y="label"'),
        ({"y": "generator"}, {}, r"two classes.* has 9: \['', 'a'|two classes.* has 8: \['a'"),
        ({"y": "label 2"}, {}, "no column 'label 2'; it has"),
        ({}, {"kernel": "polynomial"}, 'for kernel="rbf", not .polynomial'),
        ({}, {"kernel": "linear"}, 'for kernel="rbf", not .linear'),
        ({}, {"encoder": LogisticRegression()}, "encoder"),
        ({"embedding": "label"}, {"n_samples": 1}, "n_samples"),
    ],
)
def test_errors_say_what_to_do(tmp_path, columns, parameters, message):
    folder = written(pool(), tmp_path / "p")
    with pytest.raises(ValueError, match=message):
        curated(**parameters).fit(folder, **{**COLUMNS, **columns})


@pytest.mark.parametrize("kind", [list, pd.DataFrame])
def test_columns_are_named_in_parquet_alone(kind):
    X = kind(np.ones((4, 2)).tolist())
    with pytest.raises(ValueError, match=rf"y='label' names a column, .*{kind.__name__}.*FILES"):
        curated().fit(X, "label", generator=["a"] * 4)
    with pytest.raises(ValueError, match="generator='g' names a column"):
        curated().fit(X, [0, 0, 1, 1], generator="g")


def test_a_large_set_is_not_read_into_memory_unasked(tmp_path, monkeypatch):
    from sklearn_ssafe.curation import curator as module

    monkeypatch.setattr(module, "MOST_EXACT", 2999)
    folder = written(pool(), tmp_path / "p")
    assert curated(method="auto").fit(folder, **COLUMNS).method_ == "random_features"
    with pytest.raises(ValueError, match='3,000: set method="exact" to read them into memory'):
        curated(method="auto", kernel="polynomial").fit(folder, **COLUMNS)
    assert curated(method="exact").fit(folder, **COLUMNS).method_ == "exact"


def test_a_class_that_failed_as_a_whole_is_an_error(tmp_path):
    data = pool()
    data["X"][data["y"] == 1] = np.nan
    for method in ("random_features", "exact"):
        with pytest.raises(ValueError, match=r"No generated row .* has an embedding"):
            curated(method=method).fit(written(data, tmp_path / "p"), **COLUMNS)


def test_a_column_of_paths_is_no_generator(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed_pool, "_MOST_GROUPS", 100)
    data = pool()
    data["generator"] = np.array([f"{row}.jpg" for row in range(N_ROWS)])
    with pytest.raises(ValueError, match=r"more than 100 generators .*jpg.* another column"):
        curated().fit(written(data, tmp_path / "p"), **COLUMNS)


def test_a_fitted_curator_is_refitted_from_an_array(tmp_path):
    data = pool()
    curator = curated(verbose=False).fit(written(data, tmp_path / "p"), **COLUMNS)
    chosen = curator.sample_indices_
    assert (clone(curator).fit(**data).sample_indices_ == chosen).all()
    assert (curator.fit(**data).sample_indices_ == chosen).all()


def test_the_first_step_of_a_pipeline_of_imbalanced_learn(tmp_path):
    imblearn = pytest.importorskip("imblearn.pipeline")
    data = pool()
    columns = {name: COLUMNS[name] for name in ("generator", "domain", "source")}
    with config_context(enable_metadata_routing=True):
        pipe = imblearn.make_pipeline(curated(), LogisticRegression())
        pipe.fit(written(data, tmp_path / "p"), "label", **columns)
        scores = pipe.predict_proba(data["X"])
    X, y = curated().fit_resample(**data)
    np.testing.assert_allclose(scores, LogisticRegression().fit(X, y).predict_proba(data["X"]))


MEASURE = """
import sys
from pathlib import Path
from sklearn_ssafe import GeneratorCurator
import pyarrow.dataset, sklearn.cluster, pandas

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

before = peak()
curator = GeneratorCurator(
    3, n_samples=100, method="random_features", bandwidth=1.0, n_frequencies=64, random_state=0
)
curator.fit_resample(sys.argv[1], "label", generator="generator", source="source")
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured on Linux")
def test_memory_is_flat_in_the_number_of_rows(tmp_path):
    """Of 100,000 and of 400,000 rows of 64 numbers: 26 and 102 MB, each in one row group."""
    rng = np.random.default_rng(0)
    peaks = []
    for n_rows in (100_000, 400_000):
        lists = pa.FixedSizeListArray.from_arrays(
            pa.array(rng.standard_normal(n_rows * 64, dtype=np.float32)), 64
        )
        columns = {
            "label": np.arange(n_rows) % 2,
            "generator": np.char.add("g", (np.arange(n_rows) // 2 % 5).astype(str)),
            "source": np.where(np.arange(n_rows) % 3, "phone", "studio"),
        }
        file = tmp_path / f"{n_rows}.parquet"
        pq.write_table(pa.table({**columns, "embedding": lists}), file, row_group_size=n_rows)
        command = [sys.executable, "-c", MEASURE, str(file)]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True).stdout))
    assert peaks[1] - peaks[0] < 15  # MiB; the rows themselves are 73 more
    assert peaks[1] < 60
