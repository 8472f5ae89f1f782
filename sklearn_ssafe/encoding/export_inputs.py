"""What an export is given: the file to write, and the pictures to try it on."""

from pathlib import Path

from ..images.errors import ImageReadError
from ..images.inputs import as_pictures


def file_to_write(path, example):
    """Return where the file will stand; complain now, before the work that goes into it."""
    path = Path(path).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder: name a file, such as {example}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} for {path.name!r}")
    return path


def look_at_each(pictures, look):
    """Return ``look(picture)`` of each; None stands for two photographs that scikit-learn ships."""
    if pictures is None:
        from sklearn.datasets import load_sample_images

        pictures = load_sample_images().images
    seen = []
    for row, picture in enumerate(as_pictures(pictures)):
        try:
            seen.append(look(picture))
        except ImageReadError as error:
            raise ValueError(
                f"a picture to try the export on cannot be read: row {row}: {picture.name}: {error}"
            ) from error
    return seen
