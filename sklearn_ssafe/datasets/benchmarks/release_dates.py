"""Split a benchmark in time: train on generators of before a date, test on later ones."""

import warnings

import pandas as pd


def split_in_time(rows, cutoff, layout):
    """Return the rows with the split that the release dates of their generators give.

    Generators released before `cutoff` are "train" where the benchmark trains on the picture, and
    "val" where it does not: known generators, unseen pictures. Later ones are "test". Real pictures
    have no date: those that the benchmark trains on are "train", the others "test".
    """
    if "release_date" not in rows:
        raise ValueError(
            f"split='time' needs release dates of generators, which {layout.name} does not tell "
            "(or not in this version of it)."
        )
    if cutoff is None:
        raise ValueError("split='time' needs cutoff, a date such as '2024-10-01'.")
    first_test_day = _date(cutoff, "cutoff")
    generated = rows["label"] == 1
    released = _release_dates(rows[generated])
    date = rows["generator"].map(released)
    undated = generated & date.isna()
    if undated.any():
        names = ", ".join(repr(name) for name in sorted(rows.loc[undated, "generator"].unique()))
        warnings.warn(
            f"{int(undated.sum())} generated pictures are left out of the split in time, because "
            f"their generators have no release date: {names}.",
            UserWarning,
            stacklevel=3,
        )
    trained_on = rows["split"] == "train"
    later = generated & (date >= first_test_day)
    split = pd.Series("test", index=rows.index)
    split[trained_on & ~later] = "train"
    split[generated & ~later & ~trained_on] = "val"
    rows = rows.assign(split=split)[~undated].reset_index(drop=True)
    for name, label in (("train", 1), ("test", 1), ("train", 0), ("test", 0)):
        if not ((rows["split"] == name) & (rows["label"] == label)).any():
            days = sorted(str(day.date()) for day in released.values())
            kind = "generated" if label else "real"
            span = f" Release dates are from {days[0]} to {days[-1]}." if days else ""
            raise ValueError(
                f"With cutoff={str(cutoff)!r} the split {name!r} has no {kind} picture.{span}"
            )
    return rows


def _release_dates(generated):
    """Earliest release date of each generator; those without one are left out."""
    dated = generated[generated["release_date"] != ""]
    released = {}
    for generator, text in dated[["generator", "release_date"]].drop_duplicates().to_numpy():
        day = _date(text, f"release_date of {generator!r}")
        released[generator] = min(day, released.get(generator, day))
    return released


def _date(text, what):
    try:
        day = pd.Timestamp(str(text))
    except ValueError:
        day = pd.NaT
    if day is pd.NaT:
        raise ValueError(f"{what} must be a date such as '2024-10-01', got {str(text)!r}.")
    return day.tz_localize(None) if day.tzinfo else day
