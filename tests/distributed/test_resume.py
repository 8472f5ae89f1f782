"""A run with Ray's checkpoints whose driver is killed, and whose second run loses a machine."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ..conftest import encoded, picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]

N_ROWS = 60
WIDTHS = range(100, 100 + N_ROWS)  # each picture is known by its own
BROKEN = 45
SECONDS = 240


@pytest.fixture
def machines():
    """A cluster of a head and one more machine, and that machine."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Ray's clusters of several nodes are tried on Linux alone")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: the extra [ray]")
    from ray.cluster_utils import Cluster

    how = {"object_store_memory": 100 * 1024**2}
    head = {**how, "num_cpus": 2, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster, cluster.add_node(num_cpus=1, **how)
    cluster.shutdown()


def started(cluster, folder):
    command = [sys.executable, "-m", "tests.distributed.encode_with_checkpoints"]
    with open(folder / "errors", "ab") as errors:
        return subprocess.Popen(
            [*command, cluster.address, str(folder)],
            cwd=Path(__file__).parents[2],
            stdout=errors,
            stderr=errors,
        )


def wait(seconds, condition, process):
    """Wait for what a running process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def written(folder):
    """The rows that are written and known to be."""
    files = [
        file for file in (folder / "checkpoints").glob("*.parquet") if "pending" not in file.name
    ]
    return [row for file in files for row in pq.read_table(file)["row"].to_pylist()]


def met(folder):
    """The rows that the encoder was given, as often as it was."""
    if not (folder / "met").exists():
        return []
    widths = map(int, (folder / "met").read_text().split())
    return [width - WIDTHS[0] for width in widths if width in WIDTHS]


def met_at_last(folder):
    """The same once what a killed process had begun has ended."""
    before = None
    while before != (before := met(folder)):
        time.sleep(2)
    return before


def test_no_row_is_lost_none_is_there_twice_and_none_is_encoded_for_nothing(machines, tmp_path):
    cluster, machine = machines
    pictures = [encoded(picture(row, (50, width))) for row, width in enumerate(WIDTHS)]
    pictures[BROKEN] = pictures[BROKEN][:100]
    pq.write_table(pa.table({"row": range(N_ROWS), "jpeg": pictures}), tmp_path / "in.parquet")

    first = started(cluster, tmp_path)
    wait(SECONDS, lambda: len(written(tmp_path)) >= 12, first)
    first.kill()
    first.wait()
    before = met_at_last(tmp_path)
    done = set(written(tmp_path))
    assert 12 <= len(done) < N_ROWS - 20

    second = started(cluster, tmp_path)
    wait(SECONDS, lambda: len(written(tmp_path)) >= len(done) + 8, second)
    cluster.remove_node(machine, allow_graceful=False)
    still_missing = set(range(N_ROWS)) - set(written(tmp_path))
    assert len(still_missing) > 8
    assert second.wait(SECONDS) == 0, (tmp_path / "errors").read_text()

    table = pq.read_table(tmp_path / "out").sort_by("row")
    assert table["row"].to_pylist() == list(range(N_ROWS))
    has_reason = [reason is not None for reason in table["reason"].to_pylist()]
    assert np.flatnonzero(has_reason).tolist() == [BROKEN]
    assert [row is None for row in table["embedding"].to_pylist()] == has_reason
    # What was written is not encoded again. What a machine took with it may be: it was missing.
    again = Counter(met(tmp_path)[len(before) :])
    assert set(again) == set(range(N_ROWS)) - done - {BROKEN}
    assert {row for row, times in again.items() if times > 1} <= still_missing
