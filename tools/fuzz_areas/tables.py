"""Tables: a changed one is read or refused, and what was written is read, from every kind."""

import csv
import io
import warnings
from functools import cache

import openpyxl
import pandas as pd

from fuzz_areas.changes import changed
from fuzz_areas.faults import Fault
from sklearn_ssafe.datasets import load_manifest

_NAMES = (
    *("", "sd", "flux", "0001", "01", "1", "NA", "None", "null", "nan", "N/A", "-", "TRUE", "1e5"),
    *(
        "1.0",
        "2020-01-01",
        "a,b",
        "a;b",
        "a\tb",
        'the "q"',
        "it's",
        "=1+1",
        "+x",
        "@x",
        "-1",
        "[x]",
    ),
    *("ünïcode", "画像", "\N{GRINNING FACE}", "a|b", "#1", "inf", "0x10", "1,5", "two words"),
)
_LABELS = (("real", "generated"), ("0", "1"), ("photo", "ai"), ("false", "true"), ("REAL", "Fake"))


def made_rows(noise):
    """Return rows of path, label, generator and source, with odd names."""
    real, generated = noise.choice(_LABELS)
    rows = []
    for number in range(noise.choice((1, 2, 5, 30))):
        is_generated = noise.random() < 0.5
        name = noise.choice(_NAMES)
        rows.append(
            {
                "path": f"{number}{noise.choice(('', ' b', 'é', '%20', '#1', '+'))}.jpg",
                "label": generated if is_generated else real,
                "generator": name if is_generated else "",
                "source": "" if is_generated else name,
            }
        )
    return rows


def as_csv(rows, separator=",", encoding="utf-8", line="\n"):
    """Write rows as a text table."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=separator, lineterminator=line)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode(encoding)


def as_workbook(rows):
    """Write rows as an Excel file, all cells as text."""
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row.values(), 1):
            if value != "":
                cell = book.active.cell(number, column)
                cell.value, cell.data_type = value, "s"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_parquet(rows):
    """Write rows as a Parquet file."""
    file = io.BytesIO()
    pd.DataFrame(rows).to_parquet(file)
    return file.getvalue()


_KINDS = {
    "utf8.csv": as_csv,
    "excel.csv": lambda rows: as_csv(rows, ",", "utf-8-sig", "\r\n"),
    "semicolon.csv": lambda rows: as_csv(rows, ";", "utf-8-sig", "\r\n"),
    "utf16.csv": lambda rows: as_csv(rows, "\t", "utf-16"),
    "tab.tsv": lambda rows: as_csv(rows, "\t"),
    "book.xlsx": as_workbook,
    "shard.parquet": as_parquet,
}


@cache
def sound_files():
    """Some tables of each kind."""
    import random

    noise = random.Random(0)
    tables = [made_rows(noise) for _ in range(6)]
    return {kind: [write(rows) for rows in tables] for kind, write in _KINDS.items()}


def make(noise, folder):
    """Write three changed tables, and now and then one set of rows in every kind."""
    if noise.random() < 0.2:
        rows = made_rows(noise)
        pd.DataFrame(rows).to_pickle(folder / "written.pkl")
        for kind, write in _KINDS.items():
            (folder / f"made_{kind}").write_bytes(write(rows))
        return len(_KINDS)
    for number in range(3):
        kind = noise.choice(list(_KINDS))
        content = changed(noise, noise.choice(sound_files()[kind]), sound_files()[kind])
        (folder / f"{number}_{kind}").write_bytes(content)
    return 3


def check(folder):
    """Read each: a table, or an error that says what is wrong."""
    written = None
    if (folder / "written.pkl").exists():
        written = pd.read_pickle(folder / "written.pkl")
    for path in sorted(folder.iterdir()):
        if path.suffix == ".pkl":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data = load_manifest(path)
            except (ValueError, FileNotFoundError, ImportError) as error:
                if written is not None:
                    raise Fault("rows lost", f"{path.name} is refused: {error}") from error
                continue
        lengths = {len(data[name]) for name in ("X", "y", "generator", "source", "groups", "frame")}
        if len(lengths) != 1:
            raise Fault("rows lost", f"{path.name}: columns of {lengths} rows")
        if written is not None:
            _compare(path, data, written)


def _compare(path, data, written):
    if len(data.X) != len(written):
        raise Fault("rows lost", f"{path.name}: {len(data.X)} of {len(written)} rows")
    is_generated = written["label"].isin([label for _, label in _LABELS])
    for name, found, wanted in (
        ("path", [x.rpartition("/")[2] for x in data.X], written["path"].tolist()),
        ("label", data.y.tolist(), is_generated.astype(int).tolist()),
        ("generator", data.generator.tolist(), written["generator"].tolist()),
        ("source", data.source.tolist(), written["source"].tolist()),
    ):
        if found != wanted:
            pairs = [pair for pair in zip(found, wanted, strict=True) if pair[0] != pair[1]]
            raise Fault("wrong", f"{path.name}: {name} is read as another: {pairs[:3]}")
