import csv
import io

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from sklearn_ssafe.command_line.main import ssafe
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.encoding.engine import StoredEncoding
from sklearn_ssafe.store import clear_memory_cache

from ..conftest import encoded


def run(*arguments, **options):
    """Run ``ssafe`` in this process; the result has exit_code, output, stdout and exception."""
    return CliRunner().invoke(ssafe, [*map(str, arguments)], **options)


def rows_of(path):
    """The rows of a CSV file, as dicts."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Twenty-four small pictures with their manifest, and a detector trained on them."""
    folder = tmp_path_factory.mktemp("trained")
    make_generated_images(24, image_size=64, output_dir=folder / "pictures", random_state=0)
    manifest, detector = folder / "pictures" / "manifest.csv", folder / "detector"
    result = run("fit", manifest, "-o", detector, "--keep-training-rows")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def sixty(tmp_path_factory):
    """Sixty small pictures with their manifest."""
    folder = tmp_path_factory.mktemp("sixty") / "pictures"
    make_generated_images(60, image_size=64, output_dir=folder, random_state=0)
    return folder


@pytest.fixture(scope="session")
def sixty_flawed(sixty, tmp_path_factory):
    """The same, in folders, the generated ones as PNG."""
    folder = tmp_path_factory.mktemp("flawed")
    for row in pd.read_csv(sixty / "manifest.csv").itertuples():
        content = (sixty / row.path).read_bytes()
        side = folder / row.label
        side.mkdir(exist_ok=True)
        if row.label == "generated":
            content = encoded(Image.open(io.BytesIO(content)), "PNG")
        (side / f"{row.Index}.{'png' if row.label == 'generated' else 'jpg'}").write_bytes(content)
    return folder


@pytest.fixture
def encodings(monkeypatch):
    """How many pictures each encoding had to encode: those that no store had."""
    clear_memory_cache()
    counts = []
    encode = StoredEncoding.encode

    def counted(self, *arguments):
        counts.append(len(self.missing))
        return encode(self, *arguments)

    monkeypatch.setattr(StoredEncoding, "encode", counted)
    return counts
