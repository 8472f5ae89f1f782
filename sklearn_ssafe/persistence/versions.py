"""The versions of whatever a score depends on."""

import platform
from importlib.metadata import PackageNotFoundError, version

from .. import __version__

_LIBRARIES = ("scikit-learn", "numpy", "skops", "torch", "open_clip_torch", "timm", "pillow")


def installed_versions():
    """Return the versions of this package, of Python and of the libraries behind a score.

    Returns
    -------
    versions : dict of str to str
        Those that are installed.
    """
    found = {"sklearn-ssafe": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
