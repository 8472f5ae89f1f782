"""How many actors there are, and which part of a machine each of them takes."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real


@dataclass(frozen=True)
class Placement:
    """Actors: at least and at most so many, each with so many CPUs and GPUs."""

    n_actors: tuple
    num_cpus: float
    num_gpus: float

    @property
    def n_threads(self):
        """How many threads each of them computes with."""
        return max(1, int(self.num_cpus))

    @property
    def device(self):
        """Where an encoder with ``device="auto"`` runs."""
        return "cuda" if self.num_gpus else "cpu"


def place_actors(ray, device, num_actors, num_cpus, num_gpus):
    """Choose what was not given: an actor for each GPU, or without any for each machine.

    A CPU of each machine is left to Ray's own tasks, which read.
    """
    _check(num_actors, num_cpus, num_gpus)
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if num_gpus is None:
        has_gpus = any(node.get("GPU", 0) for node in nodes)
        num_gpus = 1 if has_gpus and str(device) != "cpu" else 0
    places = [_n_places(node, num_gpus) for node in nodes]
    n_actors = max(1, sum(places)) if num_actors is None else num_actors
    n_actors = n_actors if isinstance(n_actors, tuple) else (n_actors, n_actors)
    if num_cpus is None:
        num_cpus = 1 if num_gpus else _cpus_of_each(nodes, n_actors)
    _warn_if_none_is_left(nodes, n_actors[0], num_cpus)
    return Placement(n_actors, num_cpus, num_gpus)


def _n_places(node, num_gpus):
    """Return how many actors a machine is to have: by its GPUs, else one where there is a CPU."""
    if not num_gpus:
        return int(node.get("CPU", 0) > 0)
    return int(node.get("GPU", 0) / num_gpus + 1e-9)


def _cpus_of_each(nodes, n_actors):
    """Share the CPUs of the smallest machine among its actors, but for one of them."""
    cpus = [node["CPU"] for node in nodes if node.get("CPU", 0) > 0] or [1]
    on_each = -(-n_actors[1] // len(cpus))
    share = max(0, min(cpus) - 1) / on_each
    return int(share) if share >= 1 else share


def _warn_if_none_is_left(nodes, most, num_cpus):
    """Say so where actors would take every CPU: Ray's tasks would wait for one without end."""
    cpus = sum(node.get("CPU", 0) for node in nodes)
    if cpus and cpus - most * num_cpus < 1:
        warnings.warn(
            f"{most} actors with num_cpus={num_cpus:g} leave less than one of the {cpus:g} CPUs of "
            "this cluster to Ray's own tasks, which read: if it does not grow, nothing will be "
            "done. Give fewer actors or a smaller num_cpus.",
            UserWarning,
            stacklevel=5,
        )


def _check(num_actors, num_cpus, num_gpus):
    given = num_actors if isinstance(num_actors, tuple) else (num_actors, num_actors)
    right = len(given) == 2 and all(isinstance(n, Integral) for n in given)
    if num_actors is not None and not (right and 1 <= given[0] <= given[1]):
        raise ValueError(
            f"num_actors={num_actors!r} must be a whole number from 1 up, or a pair (least, most)"
        )
    for name, value in (("num_cpus", num_cpus), ("num_gpus", num_gpus)):
        if value is not None and not (isinstance(value, Real) and value >= 0):
            raise ValueError(f"{name}={value!r} must be a number from 0 up, or None")
