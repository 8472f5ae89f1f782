"""load_images: a table or a folder, whichever the path is."""

from pathlib import Path

from ..public import public
from .folders import load_image_folder
from .manifest import load_manifest


@public("sklearn_ssafe.datasets")
def load_images(path, *, return_X_y=False):
    """Read labelled pictures from a folder or from a table.

    Parameters
    ----------
    path : str or Path
        A folder as `load_image_folder` takes it, or a table as `load_manifest` does.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `load_manifest`.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        As `load_image_folder` and `load_manifest` do.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no folder and no manifest at {str(path)!r}.")
    load = load_image_folder if path.is_dir() else load_manifest
    return load(path, return_X_y=return_X_y)
