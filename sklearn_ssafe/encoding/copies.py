"""What a clone or a pickle of a transformer holds of its encoder: never a copy of the weights."""

import sys
import uuid
import weakref

from ..encoders.factories import factory_token, remember_factory

# Never copied by clone: a module may hold gigabytes.
_SHARED_BY_CLONES = ("encoder", "preprocess")
# Within the process that made the pickle the module is still there, so a copy finds it again.
_alive = weakref.WeakValueDictionary()
_tokens = weakref.WeakKeyDictionary()


class DetachedModule:
    """Takes the place of a `torch.nn.Module` that did not come along with a pickle."""

    def __init__(self, token, kind):
        self.token = token
        self.kind = kind

    def __repr__(self):
        return f"<{self.kind}, whose weights stayed where the estimator was pickled>"

    def explain(self):
        """Say why the estimator cannot encode, and what to do."""
        return (
            f"This estimator was unpickled in another process, and the {self.kind} it held as "
            "encoder did not come along: weights are never pickled. Give it back with "
            "set_params(encoder=module), or, so that worker processes can build it themselves, "
            "pass a function without arguments that returns the module."
        )


class EncoderOfCopies:
    """How `FrozenEncoderTransformer` is cloned and pickled."""

    def __sklearn_clone__(self):
        light = self.__class__.__new__(self.__class__)
        light.__dict__.update(self.__dict__)
        for name in _SHARED_BY_CLONES:
            setattr(light, name, None)
        cloned = super(EncoderOfCopies, light).__sklearn_clone__()
        for name in _SHARED_BY_CLONES:
            setattr(cloned, name, getattr(self, name))
        return cloned

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("failures_", None)  # of the last call, with paths: nobody else's business
        if is_module(self.encoder):
            state["encoder"], state["_detached"] = None, _token_and_kind(self.encoder)
        elif isinstance(self.encoder, DetachedModule):
            state["encoder"], state["_detached"] = None, (self.encoder.token, self.encoder.kind)
        elif callable(self.encoder):
            state["_factory_token"] = factory_token(self.encoder)
        return state

    def __setstate__(self, state):
        state = dict(state)
        token = state.pop("_factory_token", None)
        detached = state.pop("_detached", None)
        if detached is not None:
            # Still alive in the process that made the pickle.
            state["encoder"] = _alive.get(detached[0], DetachedModule(*detached))
        elif token is not None:
            remember_factory(state["encoder"], token)
        super().__setstate__({"resize": "pillow", **state})  # all there was, in earlier pickles


def is_module(encoder):
    """Tell whether an encoder is a `torch.nn.Module`, without loading torch."""
    torch = sys.modules.get("torch")  # without torch loaded there can be no module
    return torch is not None and isinstance(encoder, torch.nn.Module)


def _token_and_kind(module):
    """What a pickle holds in place of the module: weights are never written into it."""
    if module not in _tokens:
        _tokens[module] = uuid.uuid4().hex
        _alive[_tokens[module]] = module
    return _tokens[module], type(module).__qualname__
