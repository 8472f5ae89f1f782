"""load_image_folder: labelled pictures from folders named after their class."""

import os
from pathlib import Path

from PIL import Image

from ..labels import GENERATED_WORDS, REAL_WORDS, fill_groups
from ..public import public
from .labelled_images import as_bunch

# Formats that Pillow registers but cannot decode by itself.
_NOT_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# Of optional plugins: listed even where these are missing, so that the reader can say so.
_PLUGIN_SUFFIXES = {".avif", ".heic", ".heif"}

_LAYOUT = """Expected:
  FOLDER/real/...                         or FOLDER/real/SOURCE/...
  FOLDER/generated/...                    or FOLDER/generated/GENERATOR/..."""


@public("sklearn_ssafe.datasets")
def load_image_folder(folder, *, return_X_y=False):
    """Read the pictures below a ``real`` and a ``generated`` folder.

    Parameters
    ----------
    folder : str or Path
        Holds a folder called ``real`` (or photo, photograph, natural, nature, authentic) and one
        called ``generated`` (or fake, ai, synthetic, artificial); capitals, a plural s and a
        leading ``0_`` or ``1_`` do not matter. Folders inside ``generated`` name the generator,
        those inside ``real`` name the source; what lies deeper belongs to these.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `load_manifest`, in alphabetical order of the paths, as ``ssafe embed`` has them.
        The source of a generated picture is its generator.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If either class has no folder or no picture.

    See Also
    --------
    load_manifest : Read pictures from a table.
    load_images : Choose by what the path is.

    Notes
    -----
    Hidden files, and files without the suffix of a picture format, are passed over.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise NotADirectoryError(f"There is no folder at {str(folder)!r}.")
    class_folders = find_class_folders(root)
    if not all(class_folders.values()):
        raise ValueError(_layout_error(root))

    suffixes = picture_suffixes()
    rows = sorted(
        (picture, label, picture.relative_to(class_folder).parts[:-1])
        for label, class_folder_list in class_folders.items()
        for class_folder in class_folder_list
        for picture in pictures_below(class_folder, suffixes)
    )
    for label, class_folder_list in class_folders.items():
        if not any(row[1] == label for row in rows):
            names = ", ".join(repr(entry.name) for entry in class_folder_list)
            raise ValueError(f"No picture in {names} of {str(root)!r}.\n{_LAYOUT}")

    # The first folder below the class is the source or generator.
    names = [inside[0] if inside else "" for _, _, inside in rows]
    labels = [label for _, label, _ in rows]
    generators = [name if label == 1 else "" for name, label in zip(names, labels, strict=True)]
    columns = {
        "path": [str(path) for path, _, _ in rows],
        "label": labels,
        "generator": generators,
        "source": names,
        "group": fill_groups(labels, generators, names, [""] * len(rows)),
    }
    data = as_bunch(columns)
    return (data.X, data.y) if return_X_y else data


def find_class_folders(root):
    """Map 0 and 1 to the folders inside of one that are named so, such as real and generated."""
    found = {0: [], 1: []}
    for entry in sorted(_visible_folders(root)):
        label = _label_of_folder(entry.name)
        if label is not None:
            found[label].append(entry)
    return found


def find_pictures(paths):
    """List picture files."""
    suffixes = picture_suffixes()
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            found += map(str, pictures_below(path, suffixes))
        elif path.exists():
            found.append(str(path))
        else:
            raise FileNotFoundError(f"There is no file or folder at {str(path)!r}.")
    if not found:
        raise ValueError(f"No picture in {', '.join(repr(str(path)) for path in paths)}.")
    return found


def _visible_folders(folder):
    return [
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    ]


def _label_of_folder(name):
    """0, 1 or None; understands the usual ``0_real`` and ``1_fake`` as well."""
    word = name.lower()
    for prefix in ("0_", "1_"):
        word = word.removeprefix(prefix)
    # Words only: a folder called 0 or true says too little.
    if word in ("0", "1", "true", "false"):
        return None
    for label, words in ((0, REAL_WORDS), (1, GENERATED_WORDS)):
        if word in words or word.removesuffix("s") in words:
            return label
    return None


def picture_suffixes():
    """Return the suffixes of picture files, small and with their dot."""
    readable = {
        suffix
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in _NOT_PICTURES
    }
    return readable | _PLUGIN_SUFFIXES


def pictures_below(folder, suffixes):
    """Find all pictures below a folder; links to folders are followed, but not in circles."""
    visited, found = set(), []
    for here, inner, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in visited:
            inner.clear()
            continue
        visited.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__")))
        found += [
            Path(here, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes
        ]
    return sorted(found)


def _layout_error(root):
    folders = sorted(_visible_folders(root))
    found = ", ".join(entry.name + "/" for entry in folders[:10]) or "no folder"
    message = f"{str(root)!r} has no 'real' and 'generated' folder; it holds {found}.\n{_LAYOUT}"
    for entry in folders:
        if {_label_of_folder(inner.name) for inner in _visible_folders(entry)} >= {0, 1}:
            return f"{message}\nDid you mean {str(entry)!r}?"
    return message
