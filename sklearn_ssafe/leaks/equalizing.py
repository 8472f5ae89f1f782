"""equalize: a copy of a set of pictures in which the form of the files tells nothing."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ..datasets.labelled_images import TARGET_NAMES, as_bunch
from ..datasets.table_out import write_table
from ..encoding.failures import failures_message, failures_table
from ..encoding.progress import progress_bar
from ..images.equalizing import check_form, iter_equalized, suffix_of
from ..images.inputs import as_pictures
from ..labels import fill_groups, is_generated, known_labels
from ..public import public

# All files get the same time of change: 1 January 2020, UTC.
_FILE_TIME = 1577836800


@public("sklearn_ssafe")
def equalize(
    X,
    y,
    *,
    generator=None,
    source=None,
    groups=None,
    output_dir=None,
    size=256,
    how="crop",
    codec="jpeg",
    quality=90,
    subsampling="4:2:0",
    upscale=False,
    pos_label=None,
    num_workers=None,
    verbose="auto",
):
    """Make a copy of labelled pictures, all of one size, codec and quality, without metadata.

    What `audit_leaks` finds in format, size, compression, colour mode, metadata, names and times of
    files is gone from the copy. What the pixels have been through is not: the first JPEG
    compression of some pictures, an earlier resize, content, duplicates. Audit the copy to see what
    is left.

    Parameters
    ----------
    X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
        Pictures: paths, ``bytes``, PIL images or uint8 arrays.
    y : array-like of shape (n_samples,)
        0 real, 1 generated; with `pos_label` anything.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        Labels to hand on.
    groups : array-like of shape (n_samples,) or None, default=None
        What belongs together, to hand on.
    output_dir : str or Path, default=None
        A new or empty folder for ``images/image_00000.jpg`` and so on, numbered by their row in X,
        and ``manifest.csv``, which `load_manifest` reads. None: nothing is written and the files
        are returned as `bytes`; `iter_equalized` yields them one by one.
    size : int or (int, int), default=256
        Side, or height and width, in pixels.
    how : {"crop", "resize"}, default="crop"
        ``"crop"`` takes the centre and leaves pixels as they are; ``"resize"`` shrinks until the
        picture just covers `size`, then takes the centre.
    codec : {"jpeg", "png", "webp"}, default="jpeg"
        Of all files.
    quality : int, default=90
        Of JPEG and WebP, 1 to 100.
    subsampling : {"4:4:4", "4:2:2", "4:2:0"}, default="4:2:0"
        Of the chroma of JPEG.
    upscale : bool, default=False
        Whether pictures smaller than `size` are enlarged. If not, they are listed as failures.
    pos_label : object, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.
    num_workers : int or None, default=None
        Threads; None takes one for each core.
    verbose : bool or "auto", default="auto"
        Whether to show a bar; "auto" does in a terminal or notebook when it takes long.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `load_manifest`: X, y, generator, source, groups, frame and target_names, for the
        pictures that could be equalised. The frame has a further column ``original``. And

        failures : pandas.DataFrame
            The others: columns ``row``, ``path`` and ``reason``. Also written, as ``failures.csv``.
        rows : ndarray of int
            Position in X of each picture of the copy.

    Raises
    ------
    FileExistsError
        If `output_dir` already holds something.
    ValueError
        A parameter is out of range, or no picture could be equalised.

    See Also
    --------
    audit_leaks : Look for what gives the class away.

    Examples
    --------
    >>> from sklearn_ssafe import equalize
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> data = make_generated_images(6, image_size=96, random_state=0)
    >>> origin = {"generator": data.generator, "source": data.source, "groups": data.groups}
    >>> copy = equalize(data.X, data.y, **origin, size=64)
    >>> len(copy.X), len(copy.failures)
    (6, 0)
    """
    pictures = as_pictures(X)
    given = [values for values in (generator, source, groups) if values is not None]
    check_consistent_length(pictures, y, *given)
    y = is_generated(y, pos_label).astype(int)
    generator, source, groups = (
        known_labels(len(pictures), values) for values in (generator, source, groups)
    )
    form = {
        "size": size,
        "how": how,
        "codec": codec,
        "quality": quality,
        "subsampling": subsampling,
    }
    check_form(**form)
    folder = None if output_dir is None else _new_folder(Path(output_dir).expanduser())
    files, rows, reasons = [], [], {}
    with progress_bar(len(pictures), "equalising", verbose) as bar:
        for row, (content, reason) in enumerate(
            iter_equalized(pictures, num_workers=num_workers, upscale=upscale, **form)
        ):
            if content is None:
                reasons[row] = reason
            else:
                rows.append(row)
                name = f"images/image_{row:05d}{suffix_of(codec)}"
                files.append(content if folder is None else _write(folder, name, content))
            bar.update(1)
    failures = failures_table(pictures, reasons)
    if not rows:
        raise ValueError(failures_message(failures, len(pictures)))
    columns = {
        "label": y[rows],
        "generator": generator[rows],
        "source": source[rows],
        "group": fill_groups(y[rows], generator[rows], source[rows], groups[rows]),
        "original": [pictures[row].name for row in rows],
    }
    data = as_bunch({"image" if folder is None else "path": files, **columns})
    data.failures, data.rows = failures, np.array(rows)
    if folder is not None:
        _write_tables(folder, data, pictures)
    return data


def _new_folder(folder):
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"output_dir {str(folder)!r} is not empty. Give a new folder, so that old pictures do "
            "not mix with new ones."
        )
    (folder / "images").mkdir(parents=True, exist_ok=True)
    return folder


def _write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (_FILE_TIME, _FILE_TIME))
    return str(path)


def _write_tables(folder, data, pictures):
    table = data.frame.assign(label=[TARGET_NAMES[label] for label in data.y])
    write_table(table, folder / "manifest.csv")
    if len(data.failures):
        paths = [pictures[row].path or "" for row in data.failures["row"]]
        write_table(data.failures.assign(path=paths), folder / "failures.csv")
