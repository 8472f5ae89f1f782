"""Which picture ended the process that had it: known by the process that takes its place."""

from collections import Counter


class Deaths:
    """An actor that is told what the others begin and end, and so knows what they died of.

    Ray starts an actor again under its old name. If that begins anything while something of its is
    still open, then its process died of that, or during it.
    """

    def __init__(self):
        self._open = {}
        self._deaths = Counter()

    def begin(self, actor, work):
        """Note what an actor begins, and return of how many deaths this work is known."""
        if actor in self._open:
            self._deaths[self._open.pop(actor)] += 1
        self._open[actor] = work
        return self._deaths[work]

    def end(self, actor):
        """Note that an actor has ended what it began."""
        self._open.pop(actor, None)


class Witness:
    """What an actor tells `Deaths`; where that cannot be reached, nothing is known of any death."""

    def __init__(self, ray, deaths):
        self._ray = ray
        self._deaths = deaths
        self._actor = ray.get_runtime_context().get_actor_id()

    def begin(self, work):
        """Say what is begun; return how many processes died of it."""
        try:
            return self._ray.get(self._deaths.begin.remote(self._actor, work))
        except self._ray.exceptions.RayError:
            return 0

    def end(self):
        """Say that it has ended."""
        self._deaths.end.remote(self._actor)
