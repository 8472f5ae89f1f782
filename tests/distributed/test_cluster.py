"""The cluster that a command starts for itself."""

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sklearn_ssafe.distributed import cluster
from sklearn_ssafe.distributed.cluster import connected


@pytest.mark.slow
def test_it_is_on_the_loopback_alone_tells_nobody_and_ends_with_the_command():
    pytest.importorskip("ray.data", reason="Ray Data is not installed: the extra [ray]")
    script = """
import os

from joblib import cpu_count
from sklearn_ssafe.distributed.cluster import connected

with connected() as ray:
    (node,) = ray.nodes()
    print(node["NodeManagerAddress"], ray.cluster_resources()["CPU"] - cpu_count())
    print(ray.get(ray.remote(lambda: 6 * 7).remote()))
    from ray._common.usage import usage_lib
    print(usage_lib.usage_stats_enabled())
    import psutil
    us = [psutil.Process(), *psutil.Process().children(recursive=True)]
    ports = [port for one in us for port in one.net_connections() if port.status == "LISTEN"]
    print({port.laddr.ip.removeprefix("::ffff:") for port in ports})
    with connected() as same:  # one that is there is taken, and left
        pass
    print(ray.is_initialized())
print(ray.is_initialized())
"""
    command = [sys.executable, "-c", script]
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    how = {"capture_output": True, "text": True, "check": True, "timeout": 300}
    result = subprocess.run(command, env=env, **how)
    assert result.stdout.splitlines() == [
        "127.0.0.1 1.0",
        "42",
        "False",
        "{'127.0.0.1'}",
        "True",
        "False",
    ]
    assert result.stderr == ""


REPORT = """ray::MapWorker(MapBatches(Judging)).submit() (pid=18300, ip=127.0.0.1)
  File "workers.py", line 85, in __call__
    raise ValueError(
ValueError: there are no weights on this machine

The above exception was the direct cause of the following exception:

ray.exceptions.UserCodeException: UDF failed to process a data block."""


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("report", "what"),
    [
        (REPORT, "ValueError: there are no weights"),
        ("The node is gone.\nMore.", "The node"),
    ],
)
def test_what_ray_raises_is_one_line(monkeypatch, is_there, report, what):
    ray = pytest.importorskip("ray", reason="Ray is not installed: the extra [ray]")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: the extra [ray]")
    monkeypatch.setattr(ray, "is_initialized", lambda: is_there)
    monkeypatch.setattr(cluster, "_connect", lambda *_: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(OSError, match=f"^Ray could not finish this: {what}[^\n]*$"), connected():
        raise ray.exceptions.RayError(report)


def test_a_start_that_takes_too_long_is_one_line(monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed: the extra [ray]")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: the extra [ray]")

    def fail(**_):
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(OSError, match=r"could not be started here: .* timed out"), connected():
        pass


def test_without_loopback_it_says_so_and_does_not_wait(monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed: the extra [ray]")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(os, "environ", {})

    def unreachable(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(OSError, match=r"127\.0\.0\.1.*ip link set lo up"), connected():
        pass


def told_of(init):
    """Make what `_connect` needs of Ray."""
    context = SimpleNamespace()
    data = SimpleNamespace(DataContext=SimpleNamespace(get_current=lambda: context))
    return SimpleNamespace(init=init, data=data)


def test_an_address_where_nobody_answers_is_told_at_once():
    asked = []
    ray = told_of(lambda **how: asked.append(how["address"]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        there = [f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "auto"]
        for address in there:
            cluster._connect(ray, address)
    assert asked == there
    for address in (*there[:2], "127.0.0.1:999999"):
        with pytest.raises(OSError, match=f"Nobody answers at {address}"):
            cluster._connect(ray, address)
    assert asked == there


def test_what_ray_says_of_an_address_is_told_in_one_line():
    def init(**how):
        raise RuntimeError("wrong token\n and more")

    with pytest.raises(OSError, match=r"^Ray cannot be reached at auto: wrong token$"):
        cluster._connect(told_of(init), "auto")
