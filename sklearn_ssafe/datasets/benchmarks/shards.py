"""The rows of a benchmark that lies in Parquet shards."""

import re
import warnings

import pandas as pd

from ...images.parquet_rows import parquet_row_name
from ...labels import as_name, parse_labels

_SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}
_SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d+)-of-(?P<count>\d+)\.parquet")


def read_shards(layout, root):
    """Read everything but the pictures."""
    shards = sorted(path for path in root.rglob("*.parquet") if path.is_file())
    _warn_of_missing_shards(shards)
    tables = [_read_shard(layout, shard) for shard in shards]
    return pd.concat(tables, ignore_index=True).fillna("") if tables else pd.DataFrame()


def _read_shard(layout, shard):
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(shard)
    except ValueError as error:  # pyarrow's errors are these
        raise ValueError(f"{str(shard)!r} is damaged, or no Parquet file: {error}") from error
    with file:
        names = file.schema_arrow.names
        columns = {kind: _first_of(choice, names) for kind, choice in layout.columns.items()}
        missing = [name for name in columns.values() if name not in names]
        if missing:
            raise ValueError(
                f"{str(shard)!r} has no column {', '.join(missing)}; it has {', '.join(names)}.\n"
                f"Expected for {layout.name}:\n{layout.shape}"
            )
        image = columns.pop("image")
        text = columns | {name: name for name in layout.more_columns if name in names}
        table = file.read(columns=list(text.values())).to_pandas()
    values = {kind: _as_text(table[name]) for kind, name in text.items()}
    label = parse_labels(values["label"], f"column {text['label']!r} of {str(shard)!r}")
    n_rows = len(label)
    generator = [name if of else "" for of, name in zip(label, values["generator"], strict=True)]
    real_source = values.get("source", [""] * n_rows)
    split = values.get("split", [shard.name.partition("-")[0]] * n_rows)
    return pd.DataFrame(
        {
            "path": [parquet_row_name(shard, image, k) for k in range(n_rows)],
            "label": label,
            "generator": generator,
            "source": [
                made_by if of else source
                for of, made_by, source in zip(label, generator, real_source, strict=True)
            ],
            "split": [_SPLITS.get(value.lower(), value) for value in split],
            "subset": values.get("subset", [shard.parent.name] * n_rows),
            **{name: values[name] for name in layout.more_columns if name in values},
        }
    )


def _first_of(choice, names):
    """The one of several names for a column that is there; the first if none is."""
    choice = (choice,) if isinstance(choice, str) else choice
    return next((name for name in choice if name in names), choice[0])


def _as_text(column):
    return [as_name(value) for value in column]


def _warn_of_missing_shards(shards):
    there, expected = {}, {}
    for shard in shards:
        match = _SHARD.fullmatch(shard.name)
        if match:
            key = str(shard.with_name(match["name"]))
            there[key] = there.get(key, 0) + 1
            expected[key] = int(match["count"])
    for key, count in expected.items():
        if there[key] < count:
            warnings.warn(
                f"{there[key]} of the {count} shards {key}-*.parquet are here.",
                UserWarning,
                stacklevel=4,
            )
