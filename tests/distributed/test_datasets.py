"""`encode_dataset` and `predict_dataset`, on a cluster of two nodes."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.distributed import encode_dataset, predict_dataset
from sklearn_ssafe.exceptions import EncodingWarning

from ..conftest import encoded, picture

# Ray's own, when it reads its settings.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")

N_PICTURES = 60
BAD = BROKEN, EMPTY, FOLDER, MISSING, NONE, URL = 3, 17, 18, 30, 42, 59


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Sixty paths, of which six are those of no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{row}.jpg") for row in range(N_PICTURES)]
    for row, path in enumerate(paths):
        size = (40 + row, 50)
        content = encoded(picture(row, size))
        if row not in (EMPTY, MISSING):
            with open(path, "wb") as file:
                file.write(content[:300] if row == BROKEN else content)
    (folder / f"{EMPTY}.jpg").touch()
    paths[FOLDER] = str(folder)
    paths[NONE] = None
    paths[URL] = "https://example.org/59.jpg"
    return paths


def quantile_transformer(look=None, **more):
    """Return a transformer that costs next to nothing; `look` is called with each picture.

    It fails, as encoders may, for dark pictures. Functions within a function travel to
    other processes by value.
    """

    def prepare(image):
        if look is not None:
            look(image)
        return np.asarray(image.resize((32, 32)), dtype=np.uint8)

    def build():
        import torch

        class Quantiles(torch.nn.Module):
            def forward(self, pixels):
                if (pixels.flatten(1).amax(1) < 0.1).any():
                    raise ArithmeticError("a dark picture")
                levels = torch.linspace(0, 1, 9)
                return torch.quantile(pixels.flatten(2), levels, dim=2).permute(1, 2, 0).flatten(1)

        return Quantiles()

    return FrozenEncoderTransformer(build, preprocess=prepare, cache=None, **more)


def collected(ds):
    """Return all rows of a data set as a table."""
    import ray

    return pa.concat_tables(ray.get(ds.to_arrow_refs()))


def features_of(table):
    """Return the vectors as an array, NaN where there is none."""
    column = table["embedding"]
    rows = [
        value if value is not None else [np.nan] * column.type.list_size
        for value in column.to_pylist()
    ]
    return np.array(rows, dtype=np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "reading"),
    [("efficientnet_lite0", "actors"), (["efficientnet_lite0", "forensic"], "tasks")],
)
def test_every_row_comes_back_with_the_plain_transformers_features(
    two_nodes, paths, encoder, reading
):
    import ray

    # One at a time: the size of a batch decides in which order the convolutions add up.
    transformer = FrozenEncoderTransformer(
        encoder, precision="fp32", batch_size=1, on_error="nan", cache=None
    )
    with pytest.warns(EncodingWarning):
        expected = transformer.transform(paths)
    given = pa.table(
        {
            "number": range(N_PICTURES),
            "image": pa.array(paths, pa.string()),
            "x y": [0.5] * N_PICTURES,
        }
    )
    ds = ray.data.from_arrow([given[:25], given[25:]])
    ds = encode_dataset(
        ds, transformer, column="image", reading=reading, batch_size=16, preserve_order=True
    )
    table = collected(ds)
    assert table.select(given.column_names).equals(given)
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), expected.shape[1])
    np.testing.assert_array_equal(features_of(table), expected)
    reasons = dict(enumerate(table["reason"].to_pylist()))
    reasons = {row: reason for row, reason in reasons.items() if reason is not None}
    assert reasons == dict(
        zip(transformer.failures_["row"], transformer.failures_["reason"], strict=True)
    )
    assert sorted(reasons) == sorted(BAD)


@pytest.mark.slow
def test_verdicts_are_those_of_the_detector(two_nodes, paths):
    import ray

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=N_PICTURES)
    table = pd.DataFrame({"path": paths, "number": numbers, "word": ["a", "b", "c"] * 20})
    good = ~np.isin(np.arange(N_PICTURES), BAD)
    y = np.where((numbers > 0)[good], "fake", "photo")
    detector = SSAFEClassifier(
        quantile_transformer(batch_size=1), columns=["number", "word"], cv=None, threshold=0.6
    ).fit(table[good], y)
    more = table.assign(shop=["x"] * N_PICTURES).rename(columns={"path": "photo"})
    ds = predict_dataset(
        ray.data.from_pandas(more), detector, column="photo", label_column="is", batch_size=16
    )
    judged = collected(ds).to_pandas().sort_values("number").reset_index(drop=True)
    order = np.argsort(numbers)
    for name in more.columns:
        assert judged[name].fillna("").tolist() == more[name].iloc[order].fillna("").tolist()
    good = good[order]
    X = table.iloc[order][good]
    fake = list(detector.classes_).index("fake")
    score = detector.predict_proba(X)[:, fake]
    np.testing.assert_allclose(judged["score"][good], score, rtol=1e-12)
    assert judged["is"][good].tolist() == detector.predict(X).tolist()
    assert judged["verdict"][good].tolist() == detector.predict_verdict(X).tolist()
    assert set(judged["verdict"][good]) == {"real", "generated"}
    assert judged["reason"][good].isna().all()
    assert judged.loc[~good, ["score", "is", "verdict"]].isna().all(axis=None)
    assert judged["reason"][~good].notna().all()


@pytest.mark.slow
def test_pictures_that_end_a_process_or_that_no_encoder_takes_cost_their_row(two_nodes, tmp_path):
    import ray

    once, always, dark, died = 20, 29, 12, tmp_path / "died"

    def look(image):
        if image.width == 70 + always or (image.width == 70 + once and not died.exists()):
            died.touch()
            os._exit(1)

    pictures = [encoded(picture(row, (50, 70 + row))) for row in range(40)]
    pictures[dark] = encoded(np.full((50, 50, 3), 9, dtype=np.uint8), "PNG")
    given = pa.table({"row": range(40), "jpeg": pictures})
    ds = encode_dataset(
        ray.data.from_arrow(given), quantile_transformer(look), column="jpeg", batch_size=8
    )
    table = collected(ds).sort_by("row")
    assert died.exists()
    assert table.select(["row", "jpeg"]).equals(given)
    missing = ~np.isfinite(features_of(table)).all(axis=1)
    assert np.flatnonzero(missing).tolist() == [dark, always]
    expected = {
        dark: "could not be encoded: ArithmeticError: a dark picture",
        always: "ended the process that had it, 2 times",
    }
    assert table["reason"].to_pylist() == [expected.get(row) for row in range(40)]


def test_what_cannot_be_done_is_said_before_anything_is_begun(two_nodes, paths):
    import ray

    ds = ray.data.from_arrow(pa.table({"path": paths, "reason": paths}))
    transformer = quantile_transformer()
    with pytest.raises(ValueError, match=r"no column 'image' of pictures.* path, reason"):
        encode_dataset(ds, transformer, column="image", reason_column="why")
    with pytest.raises(ValueError, match="has a column 'reason' already"):
        encode_dataset(ds, transformer)
    with pytest.raises(ValueError, match="two new columns are to be called 'why'"):
        encode_dataset(ds, transformer, output_column="why", reason_column="why")
    ds = ds.drop_columns(["reason"])
    with pytest.raises(TypeError, match=r"has to be a ray.data.Dataset"):
        encode_dataset(paths, transformer)
    with pytest.raises(TypeError, match="has to be a FrozenEncoderTransformer"):
        encode_dataset(ds, "efficientnet_lite0")
    with pytest.raises(ValueError, match="'efficientnet_lite00' is not a known encoder"):
        encode_dataset(ds, FrozenEncoderTransformer("efficientnet_lite00"))
    with pytest.raises(ValueError, match="Linear, and weights are never sent"):
        import torch

        encode_dataset(ds, FrozenEncoderTransformer(torch.nn.Linear(2, 2)))
    with pytest.raises(ValueError, match="reading='threads' must be one of auto, tasks, actors"):
        encode_dataset(ds, transformer, reading="threads")
    for num_actors in (0, 1.5, (2, 1), (1, 2, 3), ()):
        with pytest.raises(ValueError, match="num_actors="):
            encode_dataset(ds, transformer, num_actors=num_actors)
    for batch_size in (0, None, 2.5):
        with pytest.raises(ValueError, match=f"batch_size={batch_size} must be a whole number"):
            encode_dataset(ds, transformer, batch_size=batch_size)
    with pytest.raises(ValueError, match="num_gpus=-1 must be"):
        encode_dataset(ds, transformer, num_gpus=-1)
    with pytest.warns(UserWarning, match="2 actors with num_cpus=1 leave fewer than 1 of the 2"):
        encode_dataset(ds, transformer, num_actors=2, num_cpus=1)
    with pytest.raises(TypeError, match="has to be a SSAFEClassifier"):
        predict_dataset(ds, transformer)
    rows = np.random.default_rng(0).normal(size=(40, 3))
    detector = SSAFEClassifier(encoder=None, cv=None).fit(rows, np.arange(40) % 2)
    with pytest.raises(ValueError, match="takes embeddings, and not pictures"):
        predict_dataset(ds, detector)


def test_without_ray_the_extra_is_named():
    script = (
        "import sys; sys.modules['ray'] = None\n"
        "from sklearn_ssafe.distributed import encode_dataset\n"
        "encode_dataset(None, None)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ImportError: Ray Data is not installed" in result.stderr
    assert "pip install 'sklearn-ssafe[ray]'" in result.stderr


def test_importing_the_room_loads_no_ray():
    script = (
        "from sklearn_ssafe.distributed import encode_dataset, predict_dataset\n"
        "import sys; print('ray' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
