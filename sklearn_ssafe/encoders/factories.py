"""Functions that make modules, told apart across pickles.

A lambda, or a function of a notebook, is a new object each time it is unpickled. A token travels
with it, so that a worker process that is sent it for every task builds its module once.
"""

import uuid
import weakref

_tokens = weakref.WeakKeyDictionary()


def factory_token(factory):
    """Return what identifies a factory, in this process and in those it is sent to."""
    try:
        return _tokens.setdefault(factory, uuid.uuid4().hex)
    except TypeError:  # not hashable, or no weak references to it
        return None


def remember_factory(factory, token):
    """Give an unpickled factory the token it had where it was pickled."""
    if token is not None and factory_token(factory) is not None:
        _tokens[factory] = token
