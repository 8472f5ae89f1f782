import logging
import os
import sys

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@pytest.fixture(scope="session")
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
