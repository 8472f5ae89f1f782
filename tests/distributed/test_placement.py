"""How many actors there are, and what each of them takes, on clusters that are only told of."""

import pytest

from sklearn_ssafe.distributed.placement import gpus_of_each, place_actors


class ToldOf:
    """What is asked of Ray, on machines with these resources."""

    def __init__(self, *machines):
        self._machines = machines

    def nodes(self):
        dead = {"Alive": False, "Resources": {"CPU": 99, "GPU": 9}}
        return [{"Alive": True, "Resources": machine} for machine in self._machines] + [dead]


def placed(ray, *, num_actors=None, num_cpus=None, num_gpus=None, is_fed=False, n_kept=1):
    num_gpus = gpus_of_each(ray, "auto", num_gpus)
    return place_actors(ray, num_actors, num_cpus, num_gpus, is_fed=is_fed, n_kept=n_kept)


@pytest.mark.parametrize(
    ("machines", "given", "n_actors", "num_cpus", "num_gpus", "n_threads"),
    [
        ([{"CPU": 8}], {}, 1, 7, 0, 7),
        ([{"CPU": 8}], {"n_kept": 2}, 1, 6, 0, 6),
        ([{"CPU": 2}], {"num_actors": 2}, 2, 0.5, 0, 1),
        ([{"CPU": 17}] * 4, {"num_actors": 64}, 64, 4 / 4, 0, 1),
        ([{"CPU": 1}, {"CPU": 1}], {}, 2, 0, 0, 1),
        ([{"CPU": 0}, {"CPU": 8}, {"CPU": 16}], {}, 2, 7, 0, 7),
        ([{"CPU": 4}, {"CPU": 33, "GPU": 4}], {"is_fed": True}, 4, 1, 1, 1),
        ([{"CPU": 4}, {"CPU": 33, "GPU": 4}], {}, 4, 8, 1, 8),
        ([{"CPU": 33, "GPU": 4}], {"num_gpus": 0.5, "is_fed": True}, 8, 1, 0.5, 1),
        ([{"CPU": 2}, {"CPU": 2}], {"is_fed": True}, 2, 1, 0, 1),
        ([{"CPU": 1}, {"CPU": 1}], {"is_fed": True}, 2, 0, 0, 1),
        ([{"CPU": 33, "GPU": 4}], {"num_gpus": 0}, 1, 32, 0, 32),
        ([{}], {}, 1, 0, 0, 1),  # a cluster that has not grown yet
    ],
)
def test_actors_have_their_share(machines, given, n_actors, num_cpus, num_gpus, n_threads):
    placement = placed(ToldOf(*machines), **given)
    assert placement.n_actors == (n_actors, n_actors)
    assert placement.num_cpus == num_cpus
    assert placement.num_gpus == num_gpus
    assert placement.n_threads == n_threads
    assert placement.device == ("cuda" if num_gpus else "cpu")


def test_what_is_given_is_taken():
    placement = placed(ToldOf({"CPU": 8}), num_actors=(2, 5), num_cpus=1.5)
    assert (placement.n_actors, placement.num_cpus) == ((2, 5), 1.5)
    assert gpus_of_each(ToldOf({"CPU": 8, "GPU": 1}), "cpu", None) == 0


@pytest.mark.parametrize(("n_kept", "num_actors"), [(1, 8), (2, 7)])
def test_actors_that_take_every_cpu_are_warned_of(n_kept, num_actors):
    ray = ToldOf({"CPU": 8})
    placed(ray, num_actors=num_actors - 1, num_cpus=1, n_kept=n_kept)
    with pytest.warns(UserWarning, match=f"leave fewer than {n_kept} of the 8 CPUs"):
        placed(ray, num_actors=num_actors, num_cpus=1, n_kept=n_kept)


def test_gpus_that_no_machine_has_are_warned_of():
    ray = ToldOf({"CPU": 8}, {"CPU": 8, "GPU": 1})
    placed(ray, num_gpus=1)
    with pytest.warns(UserWarning, match="No machine of this cluster has the 2 GPUs"):
        placed(ray, num_gpus=2)
