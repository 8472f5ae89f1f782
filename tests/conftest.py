import io
import logging
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

# No test may wait for a hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Nor may one report anything to anybody.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def picture(seed=0, size=(48, 64), channels=3):
    """Smooth random pixels, so that JPEG keeps them roughly."""
    rng = np.random.default_rng(seed)
    shape = (6, 8) if channels == 1 else (6, 8, channels)
    small = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
    return np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC))


def encoded(image, format="JPEG", **options):
    """The bytes of a picture file."""
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(
        file, format, **options
    )
    return file.getvalue()


@pytest.fixture
def picture_files(tmp_path):
    """Ten JPEG files, as paths."""
    paths = []
    for number in range(10):
        path = tmp_path / f"picture_{number}.jpg"
        path.write_bytes(encoded(picture(number)))
        paths.append(str(path))
    return paths


@pytest.fixture(scope="session")
def sample_data():
    """The folder of sample photographs, where it lies beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "sample"
    if not (folder / "manifest.csv").exists():
        pytest.skip("the sample of real and generated pictures is not on this machine")
    return folder


class PictureKind:
    """One way to hand over the same pictures: what an item is, and what holds the items."""

    def __init__(self, name):
        self.name = name
        self.has_file = name not in ("PIL image", "array")

    def item(self, path, row):
        """The picture of a PNG file, of which `pictures.parquet` beside it holds a copy."""
        if self.name == "Path":
            return Path(path)
        if self.name in ("bytes", "polars Series of bytes", "pyarrow chunked array of bytes"):
            return Path(path).read_bytes()
        if self.name in ("PIL image", "array"):
            with Image.open(path) as image:
                image.load()
            return image if self.name == "PIL image" else np.asarray(image)
        if "Parquet rows" in self.name:
            return f"{Path(path).with_name('pictures.parquet')}#image/{row}"
        return path

    def __call__(self, paths):
        """All pictures, as `X`."""
        items = [self.item(path, row) for row, path in enumerate(paths)]
        if self.name.startswith("object array"):
            return np.array(items, dtype=object)
        if self.name.startswith("pandas"):
            return pd.Series(items, index=range(100, 100 + len(items)))
        if self.name.startswith("polars"):
            return pl.Series("image", items)
        if self.name.startswith("pyarrow table"):
            return pa.table({"image": items})
        if self.name.startswith("pyarrow chunked"):
            return pa.chunked_array([items[:3], items[3:]])
        return pa.array(items) if self.name.startswith("pyarrow") else items


@pytest.fixture(
    params=[
        "str",
        "Path",
        "bytes",
        "PIL image",
        "array",
        "list of Parquet rows",
        "object array of paths",
        "pandas Series of paths",
        "pandas Series of Parquet rows",
        "polars Series of bytes",
        "pyarrow array of paths",
        "pyarrow chunked array of bytes",
        "pyarrow table of Parquet rows",
    ]
)
def picture_kind(request):
    """Every kind of picture, and every container of pictures."""
    return PictureKind(request.param)


@pytest.fixture(scope="module")
def two_nodes():
    """A Ray cluster of two nodes on this machine, of one CPU each."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Ray's clusters of several nodes are tried on Linux alone")
    ray = pytest.importorskip("ray", reason="Ray is not installed: the extra [ray]")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: the extra [ray]")
    from ray.cluster_utils import Cluster

    how = {"num_cpus": 1, "object_store_memory": 100 * 1024**2}
    cluster = Cluster(initialize_head=True, head_node_args={**how, "include_dashboard": False})
    cluster.add_node(**how)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    yield cluster
    ray.shutdown()
    cluster.shutdown()
