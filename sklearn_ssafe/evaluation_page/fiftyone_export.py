"""Judged pictures as a data set of FiftyOne."""


def as_fiftyone(table, pictures, name):
    """Make a `fiftyone.Dataset` of a table that `picture_table` made and its pictures."""
    try:
        import fiftyone
    except ImportError as error:
        raise ImportError(
            "to_fiftyone needs FiftyOne: pip install fiftyone (or sklearn-ssafe[fiftyone])"
        ) from error
    unnamed = [row for row, picture in enumerate(pictures) if picture.path is None]
    if unnamed:
        raise ValueError(
            f"FiftyOne opens files, and {len(unnamed)} of {len(pictures)} pictures are none; the "
            f"first is in row {unnamed[0]}"
        )
    samples = []
    for row, picture in enumerate(pictures):
        known = {
            column: table[f"{column}s"][table[column][row]]
            for column in ("verdict", "label", "name")
            if table[column] is not None
        }
        sample = fiftyone.Sample(filepath=str(picture.path))
        if known.get("verdict"):
            sample["prediction"] = fiftyone.Classification(
                label=known["verdict"], score=table["score"][row]
            )
        if "label" in known:
            sample["ground_truth"] = fiftyone.Classification(label=known["label"])
        if "name" in known:
            sample["name"] = known["name"]
        samples.append(sample)
    dataset = fiftyone.Dataset(name)
    dataset.add_samples(samples)
    return dataset
