"""A user's own module stays out of pickles; this stands in for it."""

import uuid
import weakref

# Within the process that made the pickle the module is still there, so a copy finds it again.
_alive = weakref.WeakValueDictionary()
_tokens = weakref.WeakKeyDictionary()


class DetachedModule:
    """Takes the place of a `torch.nn.Module` in a pickled estimator.

    Weights are never written into a pickle. In the same process (``copy.deepcopy``, threads) the
    estimator gets its module back; elsewhere it has to be given again.

    Parameters
    ----------
    module : torch.nn.Module
        What the estimator held.
    """

    def __init__(self, module):
        if module not in _tokens:
            _tokens[module] = uuid.uuid4().hex
            _alive[_tokens[module]] = module
        self._token = _tokens[module]
        self._kind = type(module).__qualname__

    def __repr__(self):
        return f"<{self._kind}, whose weights stayed where the estimator was pickled>"

    def restore(self):
        """Return the module where it is still alive, else this stand-in."""
        return _alive.get(self._token, self)

    def explain(self):
        """Say why the estimator cannot encode, and what to do."""
        return (
            f"This estimator was unpickled in another process, and the {self._kind} it held as "
            "encoder did not come along: weights are never pickled. Give it back with "
            "set_params(encoder=module), or, so that worker processes can build it themselves, "
            "pass a function without arguments that returns the module."
        )
