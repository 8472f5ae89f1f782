"""What is said when embeddings cannot be kept."""

from ..public import public


@public("sklearn_ssafe.exceptions")
class EncodingCacheWarning(UserWarning):
    """The cache of embeddings cannot be used as asked for; the work goes on without it.

    Where that must not happen, make it an error:
    ``warnings.simplefilter("error", EncodingCacheWarning)``.
    """
