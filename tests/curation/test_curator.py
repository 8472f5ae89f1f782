import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorCurator
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import CurationWarning

N_REAL = 120


def pool(dtype=np.float64, seed=0):
    """Real rows of two sources, and generated ones of five generators in two domains."""
    rng = np.random.default_rng(seed)
    names = np.repeat(["a", "b", "c", "d", "e"], [60, 50, 40, 30, 20])
    centres = {name: rng.normal(size=8) for name in "abcde"}
    X = rng.normal(size=(N_REAL + len(names), 8))
    X[N_REAL:] += [centres[name] for name in names]
    return {
        "X": X.astype(dtype),
        "y": np.repeat([0, 1], [N_REAL, len(names)]),
        "generator": np.concatenate([np.full(N_REAL, ""), names]),
        "domain": np.concatenate(
            [np.full(N_REAL, ""), np.where(np.arange(len(names)) % 2, "faces", "places")]
        ),
        "source": np.concatenate(
            [np.repeat(["phone", "studio"], [100, 20]), np.full(len(names), "")]
        ),
    }


def fitted(data, n_generators=3, n_samples=60, random_state=0, **parameters):
    curator = GeneratorCurator(
        n_generators, n_samples=n_samples, random_state=random_state, **parameters
    )
    return curator.fit(**data)


def without(data, *names):
    return {name: values for name, values in data.items() if name not in names}


def test_the_whole_recipe_beside_scipy_and_scikit_learn():
    data = pool()
    curator = fitted(data)
    names = [f"{domain} / {name}" for domain in ("faces", "places") for name in "abcde"]
    assert curator.generators_.tolist() == names
    X = normalize(data["X"])
    label = np.char.add(np.char.add(data["domain"], " / "), data["generator"])
    n_combinations = len(names)
    squared = np.zeros((n_combinations, n_combinations))
    means = {}
    for one in names:
        for other in names:
            K = rbf_kernel(
                X[label == one], X[label == other], gamma=1 / (2 * curator.bandwidth_**2)
            )
            means[one, other] = K.mean() if one != other else K[~np.eye(len(K), dtype=bool)].mean()
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            if i != j:
                squared[i, j] = means[one, one] + means[other, other] - 2 * means[one, other]
    distances = np.sqrt(np.clip(squared, 0, None))
    np.testing.assert_allclose(curator.distances_, distances, atol=1e-7)
    expected = linkage(squareform(distances, checks=False), "average")
    np.testing.assert_allclose(curator.linkage_, expected, atol=1e-7)
    chosen = [int(distances.sum(axis=1).argmin())]
    while len(chosen) < 3:
        chosen.append(int(np.argmax(distances[chosen].min(axis=0))))
    assert curator.selected_generators_.tolist() == [names[number] for number in chosen]


def test_half_real_half_generated_reals_balanced_over_sources():
    data = without(pool(), "domain")
    curator = fitted(data)
    chosen = curator.sample_indices_
    assert (np.diff(chosen) > 0).all()
    assert np.bincount(data["y"][chosen]).tolist() == [30, 30]
    reals, counts = np.unique(data["source"][chosen][data["y"][chosen] == 0], return_counts=True)
    assert dict(zip(reals, counts, strict=True)) == {"phone": 15, "studio": 15}
    made, counts = np.unique(data["generator"][chosen][data["y"][chosen] == 1], return_counts=True)
    assert set(made) == set(curator.selected_generators_)
    assert set(counts) == {10}


def chosen_rows(data, curator):
    return {tuple(row) for row in data["X"][curator.sample_indices_]}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"selection": "k_means"},
        {"selection": "k_centre"},
        {"sampling": "within", "start": "farthest"},
        {"start": "random", "quotas": "proportional"},
        {"method": "random_features", "n_frequencies": 64},
        {"kernel": "linear"},
        {"kernel": "polynomial", "unbiased": False},
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_of_the_rows_does_not_matter(parameters, dtype):
    data = pool(dtype)
    curator = fitted(data, **parameters)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(data["y"]))
        shuffled = {name: values[order] for name, values in data.items()}
        other = fitted(shuffled, **parameters)
        assert set(order[other.sample_indices_]) == set(curator.sample_indices_)
        assert (other.distances_ == curator.distances_).all()  # to the last bit
        assert (other.selected_generators_ == curator.selected_generators_).all()


def test_ties_go_to_the_first_name_whatever_the_order():
    """Two generators with the same pictures are equally far from everything."""
    data = without(pool(), "domain")
    made = data["generator"] != ""
    twin = {name: values[data["generator"] == "a"] for name, values in data.items()}
    twin["generator"] = np.full(len(twin["y"]), "0 twin of a")
    data = {name: np.concatenate([values, twin[name]]) for name, values in data.items()}
    curator = fitted(data, n_generators=5)
    assert made.sum() + len(twin["y"]) == (data["y"] == 1).sum()
    assert "a" not in curator.selected_generators_
    assert "0 twin of a" in curator.selected_generators_
    a, twin = curator.generators_.tolist().index("a"), 0
    assert curator.distances_[a, twin] == 0  # its unbiased estimate is negative
    assert curator.clusters_[a] == curator.clusters_[twin]


def test_seeds():
    data = pool()
    assert chosen_rows(data, fitted(data)) == chosen_rows(data, fitted(data))
    assert chosen_rows(data, fitted(data)) != chosen_rows(data, fitted(data, random_state=1))
    assert (
        fitted(data).selected_generators_ == fitted(data, random_state=1).selected_generators_
    ).all()


def test_the_summary_loses_nothing():
    data = pool()
    with pytest.warns(CurationWarning, match="no candidates: faces / e, places / e"):
        curator = fitted(data, min_pictures=12)
    table = curator.summary_
    assert table["pictures"].sum() == len(data["y"])
    assert table["taken"].sum() == len(curator.sample_indices_)
    made = table[table["class"] == "generated"].set_index(["domain", "name"])
    ordered = made.dropna(subset="order").sort_values("order")
    assert [" / ".join(key) for key in ordered.index] == curator.selected_generators_.tolist()
    assert made["cluster"].dropna().tolist() == curator.clusters_.tolist()
    for (domain, name), row in made.iterrows():
        mine = (data["domain"] == domain) & (data["generator"] == name)
        assert row["pictures"] == mine.sum()
        assert row["taken"] == mine[curator.sample_indices_].sum()
    for source in ("phone", "studio"):
        row = table[table["name"] == source].iloc[0]
        assert row["taken"] == (data["source"][curator.sample_indices_] == source).sum()


def test_small_generators_give_all_they_have_and_are_named():
    data = without(pool(), "domain")
    with pytest.warns(CurationWarning) as caught:
        curator = fitted(data, n_generators=5, n_samples=160)
    (warning,) = caught
    assert warning.filename == __file__.replace(".pyc", ".py")
    message = str(warning.message)
    assert "fewer pictures than an equal share" in message
    assert "e (" not in message.split("real sources")[0]  # 20 of 80 / 5: its share is 16
    assert "studio (20)" in message
    assert curator.summary_.set_index("name")["taken"].to_dict() == {
        **dict.fromkeys("abcde", 16),
        "phone": 60,
        "studio": 20,
    }


def test_more_pictures_than_the_pool_has():
    data = without(pool(), "domain")
    with pytest.warns(CurationWarning, match="120 of each are taken"):
        curator = fitted(data, n_generators=5, n_samples=10_000)
    assert np.bincount(data["y"][curator.sample_indices_]).tolist() == [120, 120]
    with pytest.warns(CurationWarning, match=r"generators have 200\. 20 of each"):
        curator = fitted(
            {name: values[100:] for name, values in data.items()}, n_generators=5, n_samples=100
        )
    assert np.bincount(data["y"][100:][curator.sample_indices_]).tolist() == [20, 20]


def test_fewer_generators_than_asked_for():
    data = without(pool(), "domain")
    with pytest.warns(CurationWarning, match=r"n_generators=8 .* there are 5: all of them"):
        curator = fitted(data, n_generators=8)
    assert sorted(curator.selected_generators_) == list("abcde")


def test_one_generator():
    data = without(pool(), "domain")
    keep = np.isin(data["generator"], ["", "a"])
    data = {name: values[keep] for name, values in data.items()}
    curator = fitted(data, n_generators=1)
    assert curator.distances_.tolist() == [[0.0]]
    assert curator.linkage_.shape == (0, 4)
    assert curator.clusters_.tolist() == [1]
    assert curator.selected_generators_.tolist() == ["a"]
    assert np.bincount(data["y"][curator.sample_indices_]).tolist() == [30, 30]


@pytest.mark.parametrize("missing", ["", None, np.nan, pd.NA])
def test_a_missing_domain_is_no_domain_and_a_missing_generator_is_one(missing):
    data = pool()
    generator = data["generator"].astype(object)
    generator[generator == "e"] = missing
    data["generator"] = generator
    domain = data["domain"].astype(object)
    domain[domain == "places"] = missing
    data["domain"] = domain
    curator = fitted(data, n_generators=2, n_samples=20)
    names = ["(unnamed)", *"abcd"]
    assert curator.generators_.tolist() == [*names, *(f"faces / {name}" for name in names)]


def test_without_sources_reals_are_balanced_over_domains():
    data = without(pool(), "source")
    data["domain"][:N_REAL] = np.repeat(["faces", "places"], [100, 20])
    curator = fitted(data)
    real = curator.sample_indices_[curator.sample_indices_ < N_REAL]
    assert np.unique(data["domain"][real], return_counts=True)[1].tolist() == [15, 15]
    # Without either, there is one source, and any of its pictures may be drawn.
    assert len(fitted(without(data, "domain")).summary_.query("`class` == 'real'")) == 1


def test_quotas_in_proportion():
    data = without(pool(), "domain")
    curator = fitted(data, n_generators=5, n_samples=40, quotas="proportional")
    taken = curator.summary_.set_index("name")["taken"]
    assert taken[list("abcde")].tolist() == [6, 5, 4, 3, 2]


def test_the_linear_cost_is_near_the_exact_one():
    data = pool()
    exact = fitted(data)
    cheap = fitted(data, method="random_features", n_frequencies=20_000)
    assert (exact.method_, cheap.method_) == ("exact", "random_features")
    np.testing.assert_allclose(cheap.distances_, exact.distances_, atol=0.02)
    assert abs(cheap.distances_ - exact.distances_).max() > 0


@pytest.mark.parametrize(
    ("y", "pos_label"),
    [
        (np.where(pool()["y"], "ai", "photo"), "ai"),
        (pool()["y"].astype(bool), None),
        (1 - pool()["y"], 0),
    ],
)
def test_other_labels(y, pos_label):
    data = pool()
    expected = fitted(data).sample_indices_
    assert (fitted({**data, "y": y}, pos_label=pos_label).sample_indices_ == expected).all()


@pytest.mark.parametrize(
    ("changes", "parameters", "message"),
    [
        ({"generator": None}, {}, r"pass generator=\.\.\."),
        ({"y": np.where(pool()["y"], "a", "b")}, {}, r"\['a', 'b'\].* pos_label"),
        ({"y": np.ones(320, dtype=int)}, {}, r"two classes.* has 1 class: \[1\]"),
        ({"y": pool()["y"][1:]}, {}, "inconsistent numbers of samples"),
        ({"source": ["x"]}, {}, "inconsistent numbers of samples"),
        ({}, {"min_pictures": 31}, r"largest has 30\. Lower min_pictures"),
        ({}, {"kernel": "polynomial", "method": "random_features"}, "rbf"),
        ({"X": np.ones((320, 2))}, {}, "median distance between embeddings is 0"),
        ({"X": [f"{row}.jpg" for row in range(320)]}, {}, r"holds pictures \(0\.jpg.* encoder"),
        ({"X": pd.Series([b"x"] * 320)}, {}, r"holds pictures \(<1 bytes>"),
    ],
)
def test_errors_say_what_to_do(changes, parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted({**pool(), **changes}, **parameters)


def test_a_generator_with_one_picture():
    data = without(pool(), "domain")
    data["generator"] = np.append(data["generator"][:-1], "single")
    with pytest.warns(CurationWarning, match="min_pictures=2 pictures and are no candidates: sing"):
        curator = fitted(data)
    assert "single" not in curator.generators_
    with pytest.raises(ValueError, match="unbiased MMD needs two pictures"):
        fitted(data, min_pictures=1)
    with pytest.warns(CurationWarning, match=r"make up for it: single \(1\)"):
        assert "single" in fitted(data, min_pictures=1, unbiased=False).selected_generators_


def test_bad_rows_are_named():
    data = pool()
    data["X"][7, 2], data["X"][200, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"2 of 320 rows .*\n  row 7\n  row 200$"):
        fitted(data)
    data["X"][:50] = np.nan
    with pytest.raises(ValueError, match=r"51 of 320(.*\n)+  and 31 more"):
        fitted(data)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_fit_resample_returns_the_chosen_rows_in_their_container(container):
    data = pool()
    names = [f"f{column}" for column in range(8)]
    X = container(data["X"])
    if container is not np.asarray:
        X.columns = names
    y = pd.Series(data["y"], index=np.arange(320) + 1000)
    curator = GeneratorCurator(3, n_samples=60, random_state=0)
    X_chosen, y_chosen = curator.fit_resample(X, y, **without(data, "X", "y"))
    assert type(X_chosen) is type(X)
    np.testing.assert_array_equal(np.asarray(X_chosen), data["X"][curator.sample_indices_])
    assert y_chosen.index.tolist() == (curator.sample_indices_ + 1000).tolist()
    assert curator.n_features_in_ == 8
    if container is pd.DataFrame:
        assert curator.feature_names_in_.tolist() == names


def test_a_memory_map_is_read_in_pieces_and_gives_the_same(tmp_path):
    data = pool(np.float32)
    np.save(tmp_path / "X.npy", data["X"])
    mapped = {**data, "X": np.load(tmp_path / "X.npy", mmap_mode="r")}
    for method in ("exact", "random_features"):
        here, there = fitted(data, method=method), fitted(mapped, method=method)
        assert (here.sample_indices_ == there.sample_indices_).all()
        assert (here.distances_ == there.distances_).all()
    chosen, _ = there.fit_resample(**mapped)
    np.testing.assert_array_equal(chosen, data["X"][there.sample_indices_])


def test_paths_with_an_encoder(tmp_path):
    made = make_generated_images(60, image_size=48, output_dir=tmp_path / "m", random_state=0)
    labels = {"generator": made.generator, "source": made.source}
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    curator = GeneratorCurator(3, n_samples=16, encoder=encoder, random_state=0)
    paths, y = curator.fit_resample(list(made.X), made.y, **labels)
    assert isinstance(paths, list)
    assert paths == [made.X[row] for row in curator.sample_indices_]
    assert y.mean() == 0.5
    assert curator.encoder_ is not encoder
    assert not hasattr(curator, "n_features_in_")
    order = np.random.default_rng(0).permutation(60)
    shuffled = {name: values[order] for name, values in labels.items()}
    others, _ = clone(curator).fit_resample(made.X[order], made.y[order], **shuffled)
    assert set(others) == set(paths)
    Path(made.X[3]).write_bytes(b"no picture")
    curator.encoder = FrozenEncoderTransformer("forensic", n_views=1, on_error="nan")
    with (
        pytest.warns(UserWarning, match="could not be encoded"),
        pytest.raises(ValueError, match=r"row 3: .*image_00003\.jpg"),
    ):
        curator.fit(made.X, made.y, **labels)


@pytest.mark.parametrize("encoder", ["forensic", "efficientnet_lite0"])
def test_rows_are_scaled_alike_whoever_encodes_them(encoder):
    made = make_generated_images(40, image_size=48, random_state=0)
    labels = {"generator": made.generator, "source": made.source}
    encoder = FrozenEncoderTransformer(encoder, n_views=1)
    curator = GeneratorCurator(3, n_samples=12, random_state=0)
    by_rows = clone(curator).fit(encoder.fit_transform(made.X), made.y, **labels)
    by_pictures = curator.set_params(encoder=encoder).fit(made.X, made.y, **labels)
    np.testing.assert_allclose(by_pictures.distances_, by_rows.distances_, atol=1e-6)
    assert list(by_pictures.selected_generators_) == list(by_rows.selected_generators_)


def test_an_encoder_of_numbers():
    data = pool()
    curator = fitted(data, encoder=StandardScaler())
    scaled = {**data, "X": StandardScaler().fit_transform(data["X"])}
    np.testing.assert_allclose(curator.distances_, fitted(scaled).distances_, atol=1e-12)


def test_clone_and_pickle():
    data = pool()
    curator = fitted(data)
    again = pickle.loads(pickle.dumps(curator))
    assert (again.sample_indices_ == curator.sample_indices_).all()
    assert not hasattr(clone(curator), "sample_indices_")


def test_in_a_pipeline_of_imbalanced_learn():
    pipeline = pytest.importorskip("imblearn.pipeline")
    data = pool()
    labels = without(data, "X", "y")
    head = LogisticRegression()
    with config_context(enable_metadata_routing=True):
        pipe = pipeline.Pipeline(
            [
                ("scale", StandardScaler()),
                ("curate", GeneratorCurator(3, n_samples=60, random_state=0)),
                ("head", head),
            ]
        )
        pipe.fit(data["X"], data["y"], **labels)
        # All rows are predicted: choosing is for training only.
        assert pipe.predict(data["X"]).shape == (320,)
        pipe.set_params(curate__n_samples=20)
        scores = cross_validate(pipe, data["X"], data["y"], params=labels, cv=3, scoring="roc_auc")
    assert np.isfinite(scores["test_score"]).all()
    scaled = StandardScaler().fit_transform(data["X"])
    curator = fitted({**data, "X": scaled})
    chosen = curator.sample_indices_
    expected = LogisticRegression().fit(scaled[chosen], data["y"][chosen])
    np.testing.assert_allclose(pipe["head"].coef_, expected.coef_)


class OnAnyRows(GeneratorCurator):
    """The curator with labels and generators derived from the rows, for scikit-learn's checks."""

    def __init__(self, n_generators=1, *, random_state=None):
        super().__init__(n_generators, n_samples=2, random_state=random_state)

    @classmethod
    def _get_param_names(cls):
        return ["n_generators", "random_state"]

    def fit(self, X, y):
        # The checks' own targets have one class, three, or are continuous.
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        binary = np.arange(len(X)) % 2 if len(np.unique(y)) != 2 else y == np.unique(y)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CurationWarning)
            return super().fit(X, np.asarray(binary, dtype=int), generator=["one"] * len(X))


def test_scikit_learns_checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(OnAnyRows(), on_fail=None, on_skip=None)
    failed = [
        (result["check_name"], result["exception"])
        for result in results
        if result["status"] == "failed"
    ]
    assert failed == []
    assert sum(result["status"] == "passed" for result in results) > 25


class Lengths(TransformerMixin, BaseEstimator):
    """Encodes a text by its length, as an example of somebody's own encoder."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(text), 1.0] for text in X])


def test_somebodys_own_encoder():
    texts = [f"{'x' * (row % 7 + 1)}{row}" for row in range(40)]
    y, generator = np.arange(40) % 2, np.array(["a", "b"])[np.arange(40) // 2 % 2]
    curator = GeneratorCurator(1, n_samples=6, encoder=Lengths(), random_state=0)
    chosen, _ = curator.fit_resample(texts, y, generator=generator)
    assert set(chosen) < set(texts)
