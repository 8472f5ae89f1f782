"""The one error that a picture which cannot be read raises."""

from contextlib import contextmanager

from ..public import public


@public("sklearn_ssafe.exceptions")
class ImageReadError(ValueError):
    """One picture could not be read; the message says why."""


@contextmanager
def reading_errors():
    """Turn whatever a decoder raises into the one error that costs one row and not the run."""
    try:
        yield
    except ImageReadError:
        raise
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise ImageReadError(f"could not be decoded: {reason}") from error
