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


def gpus_of_each(ray, device, num_gpus):
    """Choose the GPUs of an actor where they were not given: one where there are any."""
    if num_gpus is None:
        has_gpus = any(node.get("GPU", 0) for node in _machines(ray))
        return 1 if has_gpus and str(device) != "cpu" else 0
    if not (isinstance(num_gpus, Real) and num_gpus >= 0):
        raise ValueError(f"num_gpus={num_gpus!r} must be a number from 0 up, or None")
    return num_gpus


def place_actors(ray, num_actors, num_cpus, num_gpus, *, is_fed, n_kept):
    """Choose what was not given: an actor for each GPU, or without any for each machine.

    Actors share the CPUs of their machine but for `n_kept`, which are left to Ray itself. One that
    `is_fed` with prepared pictures has one CPU at most.
    """
    _check(num_actors, num_cpus)
    nodes = [node for node in _machines(ray) if _n_places(node, num_gpus)]
    if num_gpus and not nodes:
        warnings.warn(
            f"No machine of this cluster has the {num_gpus:g} GPUs of an actor (num_gpus): unless "
            "one joins, nothing will be done.",
            UserWarning,
            stacklevel=4,
        )
    if num_actors is None:
        num_actors = max(1, sum(_n_places(node, num_gpus) for node in nodes))
    least, most = num_actors if isinstance(num_actors, tuple) else (num_actors, num_actors)
    if num_cpus is None:
        num_cpus = _cpus_of_each(nodes, most, n_kept)
        num_cpus = min(1, num_cpus) if is_fed else num_cpus
    _warn_if_too_few_are_left(ray, least, num_cpus, n_kept)
    return Placement((least, most), num_cpus, num_gpus)


def _machines(ray):
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _n_places(node, num_gpus):
    """Return how many actors a machine is to have: by its GPUs, else one where there is a CPU."""
    if not num_gpus:
        return int(node.get("CPU", 0) > 0)
    return int(node.get("GPU", 0) / num_gpus + 1e-9)


def _cpus_of_each(nodes, most, n_kept):
    """Share the CPUs of the smallest machine among its actors, but for some of them."""
    cpus = [node.get("CPU", 0) for node in nodes] or [1]
    on_each = -(-most // len(cpus))
    share = max(0, min(cpus) - n_kept) / on_each
    return int(share) if share >= 1 else share


def _warn_if_too_few_are_left(ray, least, num_cpus, n_kept):
    """Say so where actors take too many CPUs: Ray would wait for one without end."""
    cpus = sum(node.get("CPU", 0) for node in _machines(ray))
    if cpus and cpus - least * num_cpus < n_kept:
        warnings.warn(
            f"{least} actors with num_cpus={num_cpus:g} leave fewer than {n_kept} of the {cpus:g} "
            "CPUs of this cluster to Ray itself, which reads by them: if it does not grow, nothing "
            "will be done. Give fewer actors or a smaller num_cpus.",
            UserWarning,
            stacklevel=5,
        )


def _check(num_actors, num_cpus):
    given = num_actors if isinstance(num_actors, tuple) else (num_actors, num_actors)
    right = len(given) == 2 and all(isinstance(n, Integral) for n in given)
    if num_actors is not None and not (right and 1 <= given[0] <= given[1]):
        raise ValueError(
            f"num_actors={num_actors!r} must be a whole number from 1 up, or a pair (least, most)"
        )
    if num_cpus is not None and not (isinstance(num_cpus, Real) and num_cpus >= 0):
        raise ValueError(f"num_cpus={num_cpus!r} must be a number from 0 up, or None")
