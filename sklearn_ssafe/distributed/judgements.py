"""A verdict on each picture of a Ray data set."""

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..detector.classifier import SSAFEClassifier
from ..detector.verdicts import abstention
from ..public import public
from .ray_package import ray_with_data
from .rows import with_paths
from .stages import add_stages
from .workers import Judging

_NEW_COLUMNS = ("score_column", "label_column", "verdict_column", "reason_column")


@public("sklearn_ssafe.distributed")
def predict_dataset(
    ds,
    detector,
    *,
    column="path",
    score_column="score",
    label_column="label",
    verdict_column="verdict",
    reason_column="reason",
    reading="auto",
    num_actors=None,
    num_cpus=None,
    num_gpus=None,
    batch_size=256,
    preserve_order=False,
):
    """Judge the pictures of a Ray data set.

    Nothing is computed until the result is written or asked for its rows; see `encode_dataset`.

    Parameters
    ----------
    ds : ray.data.Dataset
        Anything that Ray reads, with a column of pictures, as for `encode_dataset`. With
        `columns` of the detector, those have to be there as well.
    detector : SSAFEClassifier
        Fitted, or loaded by `load_detector`. It is sent to the actors without the encoder's
        weights, which have to be on their machines.
    column : str, default="path"
        The column of pictures.
    score_column : str, default="score"
        The new column of probabilities of "generated".
    label_column : str, default="label"
        The new column of what `SSAFEClassifier.predict` returns.
    verdict_column : str, default="verdict"
        The new column of what `SSAFEClassifier.predict_verdict` returns: real, generated, unsure.
    reason_column : str, default="reason"
        The new column that says why a picture has no verdict. It is null where there is one, and
        the others are null where there is none.
    reading : {"auto", "tasks", "actors"}, default="auto"
        Where pictures are read, see `encode_dataset`.
    num_actors : int, (int, int) or None, default=None
        How many actors hold the detector, see `encode_dataset`.
    num_cpus : float or None, default=None
        CPUs of each actor, see `encode_dataset`.
    num_gpus : float or None, default=None
        GPUs of each actor, see `encode_dataset`.
    batch_size : int, default=256
        Rows that an actor is given at once.
    preserve_order : bool, default=False
        Whether rows come in the order of `ds`. A slow batch then holds up those behind it. It is
        one of the settings that `ds` and what is made of it share.

    Returns
    -------
    judged : ray.data.Dataset
        Every row of `ds` with all of its columns, and the four new ones.

    Raises
    ------
    ImportError
        Ray Data is not installed: it comes with the extra ``[ray]``.
    ValueError
        The detector takes embeddings, there is no such column, or a new one has the name of
        another.

    Examples
    --------
    >>> import ray  # doctest: +SKIP
    >>> from sklearn_ssafe import load_detector
    >>> from sklearn_ssafe.distributed import predict_dataset
    >>> ds = ray.data.read_binary_files("gs://bucket/uploads/")  # doctest: +SKIP
    >>> judged = predict_dataset(ds, load_detector("my_detector"), column="bytes")  # doctest: +SKIP
    >>> judged.drop_columns(["bytes"]).write_parquet("verdicts/")  # doctest: +SKIP
    """
    ray = ray_with_data()
    if not isinstance(detector, SSAFEClassifier):
        raise TypeError(
            f"the detector is of type {type(detector).__name__}, and has to be a SSAFEClassifier: "
            "for another, encode_dataset makes the rows that it takes"
        )
    check_is_fitted(detector)
    if detector.encoder_ is None:
        raise ValueError("the detector takes embeddings, and not pictures: its encoder is None")
    return add_stages(
        ray,
        ds,
        Judging,
        detector.encoder_,
        detector=detector,
        column=column,
        names=[score_column, label_column, verdict_column, reason_column],
        reading=reading,
        num_actors=num_actors,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        batch_size=batch_size,
        preserve_order=preserve_order,
        may_prepare=not abstention(detector).stability,
    )


def iter_judged(detector, X):
    """Yield lists of (score, verdict, reason), one for each picture in the order of X.

    X is what a detector takes: paths, or a table with its columns and `path`.
    """
    ray = ray_with_data()
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame({"path": X}, dtype=object)
    names = ["ssafe_score", "ssafe_label", "ssafe_verdict", "ssafe_reason"]
    ds = predict_dataset(
        with_paths(ray, table),
        detector,
        **dict(zip(_NEW_COLUMNS, names, strict=True)),
        preserve_order=True,
    )
    for batch in ds.iter_batches(batch_size=None, batch_format="pyarrow"):
        score, _, verdict, reason = (batch[name].to_pylist() for name in names)
        yield list(zip(score, verdict, reason, strict=True))
