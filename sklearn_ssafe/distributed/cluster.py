"""A cluster for one command: one that is there, or this machine."""

import logging
import os
import re
import socket
import sys
import warnings
from contextlib import contextmanager

from joblib import cpu_count

from .ray_package import ray_with_data

_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
# Ray would take "127.0.0.1" for the machine's address, and listen on every one, but where it
# believes that there are no clusters, as it does of macOS. It looks when it is imported.
_ON_THIS_MACHINE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_HOST_AND_PORT = re.compile(r"(ray://)?(?P<host>[^/]+):(?P<port>\d+)")
_FIRST_ANSWER_TIMEOUT = 5  # seconds
# A line of a traceback that names an error.
_RAISED = re.compile(r"[\w.]*(Error|Exception|Exit|Interrupt)\b")


@contextmanager
def connected(address=None):
    """Connect to a cluster, or start one on this machine's loopback alone; yield ``ray``.

    Nothing is reported to anybody, and Ray's own messages stay in its log files. For a command,
    which has not imported Ray before.
    """
    with warnings.catch_warnings():
        # That a few pictures are one batch, and keep one actor busy.
        warnings.filterwarnings("ignore", "The minimum number of concurrent actors")
        ray = sys.modules.get("ray")
        if ray is not None and ray.is_initialized():  # somebody else's
            with _told_in_one_line(ray):
                yield ray_with_data()
            return
        os.environ.update({**_ENVIRONMENT, **({} if address else _ON_THIS_MACHINE)})
        ray = ray_with_data()
        with _without_first_words():
            _connect(ray, address)
        try:
            with _told_in_one_line(ray):
                yield ray
        finally:
            ray.shutdown()


@contextmanager
def _told_in_one_line(ray):
    """Turn what Ray raises, the traceback of another process, into what was wrong there."""
    try:
        yield
    except ray.exceptions.RayError as error:
        lines = str(error).splitlines()
        raised = [line for line in lines if _RAISED.match(line)]  # the cause comes first
        what = (raised or lines or [type(error).__name__])[0]
        raise OSError(f"Ray could not finish this: {what}") from error


def _connect(ray, address):
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        _check_loopback()
        try:
            ray.init(
                address="local",
                num_cpus=cpu_count() + 1,  # one for Ray's tasks, which have little to do
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                **quiet,
            )
        except Exception as error:  # of no other type where a busy machine takes too long
            raise OSError(f"Ray could not be started here: {error}") from error
    else:
        _check_address(address)
        try:
            ray.init(address=address, **quiet)
        except Exception as error:  # of many types, of which some are those of gRPC
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise OSError(f"Ray cannot be reached at {address}: {first}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False


@contextmanager
def _without_first_words():
    """Keep off standard error what Ray's compiled part writes there when it is loaded."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_address(address):
    """Say that nobody answers at HOST:PORT, which Ray would go on trying to reach for minutes."""
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:  # "auto", or a name of Ray's own
        return
    host, port = found["host"].strip("[]"), int(found["port"])
    try:
        socket.create_connection((host, port), timeout=_FIRST_ANSWER_TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise OSError(
            f"Nobody answers at {address} ({error}): is the cluster up, and is this the address "
            "that ray start --head told?"
        ) from error


def _check_loopback():
    """Say what is missing where Ray's processes could not talk to each other; it would wait."""
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=1),
        ):
            pass
    except OSError as error:
        raise OSError(
            f"Ray's processes talk to each other by 127.0.0.1, which cannot be reached here "
            f"({error}): bring it up, ip link set lo up, or leave out --engine ray"
        ) from error
