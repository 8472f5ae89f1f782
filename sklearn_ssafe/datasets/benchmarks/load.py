"""load_benchmark: a published benchmark from the folder that it was unpacked to."""

import warnings
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from ...labels import fill_groups
from ...public import public
from ..labelled_images import as_bunch
from .folders import find_root, read_folders
from .label_tables import read_label_tables
from .layout import letters_and_digits
from .layouts import LAYOUTS
from .release_dates import split_in_time
from .shards import read_shards

_SPLITS = ("train", "val", "test")


@public("sklearn_ssafe.datasets")
def load_benchmark(name, root, *, split=None, cutoff=None, subsets=None, return_X_y=False):
    """Read a published benchmark as it lies on disk after it was downloaded and unpacked.

    Nothing is downloaded. `list_benchmarks` shows the layout that each has, and where it is
    documented.

    Parameters
    ----------
    name : str
        GenImage, ForenSynths, UniversalFakeDetect, AIGCDetectBenchmark, AIGIBench, AIGI-Holmes,
        NTIRE2026, Chameleon, WildRF, Synthbuster, CommunityForensics, OpenFake or RealWorldBench;
        capitals, spaces and hyphens do not matter.
    root : str or Path
        The folder that holds it.
    split : {"train", "val", "test", "time"} or None, default=None
        Which part to read; None reads all. A benchmark without a part of that name is an error.
        "time" reads all and splits it by the release dates of the generators, where the benchmark
        has them: pictures of generators released before `cutoff` are "train" if the benchmark
        trains on them and "val" if it does not; those of later generators are all "test". Real
        pictures are "train" if the benchmark trains on them, else "test".
    cutoff : str or date or None, default=None
        First day that is tested on, such as "2024-10-01"; for ``split="time"`` alone.
    subsets : sequence of str or None, default=None
        Which of the benchmark's subsets to read: generators, most often. None reads all, and is
        an error where the part that is tested on is incomplete. Benchmarks whose real pictures do
        not belong to subsets keep all real pictures.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X : ndarray of object, shape (n_samples,)
            Paths as `str`; for Parquet shards ``SHARD.parquet#COLUMN/ROW``, which is taken wherever
            a path is, and read when it is needed.
        y : ndarray of int, shape (n_samples,)
            0 for real, 1 for generated.
        generator, source : ndarray of str, shape (n_samples,)
            Generator of a generated picture; source of a real one (of a generated one its
            generator). "" where the benchmark does not tell.
        split : ndarray of str, shape (n_samples,)
            "train", "val" or "test".
        groups : ndarray of str, shape (n_samples,)
            As from `load_manifest`.
        frame : pandas.DataFrame, n_samples rows
            Columns path, label, generator, source, group, split and subset (the part of the
            benchmark, whose real and generated pictures its tables compare); and where the files
            have them architecture (CommunityForensics), type and release_date (OpenFake).
        target_names : list of str
            ``["real", "generated"]``.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    TypeError
        If `subsets` is one name and no list.
    ValueError
        If the benchmark is unknown, the folder is laid out in another way, or something is
        missing; the message shows the layout expected.

    Warns
    -----
    UserWarning
        If there are pictures in other folders, or fewer shards than their names say, or generated
        pictures whose generator has no release date.

    See Also
    --------
    list_benchmarks : All layouts.
    load_manifest : Read a table of your own.

    Examples
    --------
    A tree of four empty files, laid out like WildRF without its test part:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_ssafe.datasets import load_benchmark
    >>> root = Path(tempfile.mkdtemp())
    >>> for picture in ("train/0_real/a", "train/1_fake/b", "val/0_real/c", "val/1_fake/d"):
    ...     (root / picture).parent.mkdir(parents=True)
    ...     (root / f"{picture}.jpg").touch()
    >>> load_benchmark("WildRF", root, split="train").y
    array([0, 1])
    """
    layout = _find_layout(name)
    root = Path(root).expanduser()
    if not root.is_dir():
        raise NotADirectoryError(f"There is no folder at {str(root)!r}.")
    if split is not None and split not in (*_SPLITS, "time"):
        raise ValueError(f"split must be one of {', '.join(_SPLITS)}, time or None; got {split!r}.")
    if cutoff is not None and split != "time":
        raise ValueError(f"cutoff is for split='time'; got split={split!r}.")
    rows, others = _read(layout, root)
    if rows.empty:
        raise ValueError(_wrong_layout(layout, root))
    if split == "time":
        rows = split_in_time(rows, cutoff, layout)
    elif split is not None:
        rows = _choose_split(rows, split, layout, root)
    if subsets is not None:
        rows = _choose_subsets(rows, subsets, layout, root)
    _check_complete(rows, split, subsets, layout, root)
    if others:
        warnings.warn(
            f"{len(others)} pictures are where {layout.name} has none, or have no label there, and "
            f"are left out, for example {str(others[0])!r}.",
            UserWarning,
            stacklevel=2,
        )
    columns = {name: rows[name].tolist() for name in ("path", "label", "generator", "source")}
    groups = fill_groups(
        columns["label"], columns["generator"], columns["source"], [""] * len(rows)
    )
    more = [name for name in layout.more_columns if name in rows]
    columns |= {"group": groups}
    columns |= {name: rows[name].tolist() for name in ("split", "subset", *more)}
    data = as_bunch(columns)
    data["split"] = data.frame["split"].to_numpy(dtype=object)
    return (data.X, data.y) if return_X_y else data


@public("sklearn_ssafe.datasets")
def list_benchmarks():
    """List the benchmarks that `load_benchmark` reads.

    Returns
    -------
    table : pandas.DataFrame
        One row for each, with the columns ``benchmark``, ``layout`` (how its folders are named),
        ``documented`` (where that is to be read) and ``verified`` ("yes", or what could not be
        verified).

    Examples
    --------
    >>> from sklearn_ssafe.datasets import list_benchmarks
    >>> print(list_benchmarks().set_index("benchmark").loc["WildRF", "layout"])
    ROOT/train/0_real/...                ROOT/train/1_fake/...
    ROOT/val/0_real/...                  ROOT/val/1_fake/...
    ROOT/test/PLATFORM/0_real/...        ROOT/test/PLATFORM/1_fake/...
    PLATFORM: reddit, twitter, facebook
    """
    return pd.DataFrame(
        {
            "benchmark": list(LAYOUTS),
            "layout": [layout.shape for layout in LAYOUTS.values()],
            "documented": [layout.documented for layout in LAYOUTS.values()],
            "verified": [layout.verified for layout in LAYOUTS.values()],
        }
    )


def _read(layout, root):
    """Rows of the pictures, and the pictures that have no place in the layout."""
    if layout.columns:
        return read_shards(layout, root), []
    return (read_label_tables if layout.label_tables else read_folders)(layout, root)


def _find_layout(name):
    by_key = {letters_and_digits(known): layout for known, layout in LAYOUTS.items()}
    key = letters_and_digits(str(name))
    if key not in by_key:
        close = get_close_matches(key, by_key, n=1)
        hint = f" Did you mean {by_key[close[0]].name!r}?" if close else ""
        raise ValueError(f"Unknown benchmark {name!r}.{hint} There are: {', '.join(LAYOUTS)}.")
    return by_key[key]


def _choose_split(rows, split, layout, root):
    chosen = rows[rows["split"] == split]
    if chosen.empty:
        found = ", ".join(sorted(rows["split"].unique()))
        raise ValueError(
            f"{str(root)!r} has no split {split!r} of {layout.name}; it has {found}.\n"
            + _expected(layout)
        )
    return chosen


def _choose_subsets(rows, subsets, layout, root):
    if isinstance(subsets, str):
        raise TypeError(f"subsets must be a list of names, such as [{subsets!r}]; got a str.")
    wanted = [layout.spell(str(name)) for name in subsets]
    if not wanted:
        raise ValueError("subsets is empty, and nothing would be read; None reads all.")
    unknown = sorted(set(wanted) - set(rows["subset"]))
    if unknown:
        found = ", ".join(sorted(filter(None, rows["subset"].unique())))
        raise ValueError(
            f"{str(root)!r} has no {', '.join(unknown)} of {layout.name}; it has {found}.\n"
            + _expected(layout)
        )
    keep = rows["subset"].isin(wanted)
    if not layout.paired:
        keep |= rows["label"] == 0
    return rows[keep]


def _check_complete(rows, split, subsets, layout, root):
    tested_split = layout.tested_split(set(rows["split"]))
    if subsets is None and split in (None, tested_split):
        tested = set(rows.loc[rows["split"] == tested_split, "subset"])
        missing = [name for name in layout.subsets if name not in tested]
        there = [name for name in layout.subsets if name in tested]
        strangers = set(rows["subset"]) - {""}
        if missing and strangers and not strangers & set(layout.subsets):
            raise ValueError(_wrong_layout(layout, root))
        if missing:
            way = f"subsets={there!r}" if there else "another split"
            raise ValueError(
                f"{layout.name} in {str(root)!r} is incomplete: its split {tested_split!r} lacks "
                f"{', '.join(missing)}.\nTo read what there is, pass {way}.\n{_expected(layout)}"
            )
    units = ["split", "subset"] if layout.paired and not layout.columns else []
    for unit, part in rows.groupby(units) if units else [((), rows)]:
        labels = set(part["label"])
        if len(labels) < 2:
            lacking = "generated" if labels == {0} else "real"
            where = "/".join(filter(None, unit))
            raise ValueError(
                f"{layout.name} in {str(root)!r} is incomplete: there is no {lacking} picture"
                f"{f' in {where}' if where else ''}.\n{_expected(layout)}"
            )


def _wrong_layout(layout, root):
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in root.iterdir())
    found = ", ".join(entries[:10]) + (" ..." if len(entries) > 10 else "")
    message = (
        f"{str(root)!r} is not laid out like {layout.name}; it holds {found or 'nothing'}.\n"
        + _expected(layout)
    )
    better = None if layout.columns else find_root(layout, root)
    return f"{message}\nDid you mean {str(better)!r}?" if better else message


def _expected(layout):
    return f"Expected (ROOT is the folder to give):\n{layout.shape}"
