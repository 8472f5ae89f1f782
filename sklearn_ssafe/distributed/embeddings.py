"""A row of features for each picture of a Ray data set."""

from ..public import public
from .ray_package import ray_with_data
from .stages import add_stages
from .workers import Encoding


@public("sklearn_ssafe.distributed")
def encode_dataset(
    ds,
    transformer,
    *,
    column="path",
    output_column="embedding",
    reason_column="reason",
    reading="auto",
    num_actors=None,
    num_cpus=None,
    num_gpus=None,
    batch_size=256,
    preserve_order=False,
):
    """Encode the pictures of a Ray data set.

    Nothing is computed until the result is written or asked for its rows. Rows stream: each actor
    holds the encoder, and rows wait in front of it no longer than Ray has memory for.

    Parameters
    ----------
    ds : ray.data.Dataset
        Anything that Ray reads, with a column of pictures: paths, content of picture files as
        bytes, arrays of pixels, or what Hugging Face's data sets have (``bytes`` and ``path``).
        Relative paths begin at this process's folder. Files are opened where the actors run, and
        nothing is fetched: for addresses, let Ray read the bytes.
    transformer : FrozenEncoderTransformer
        The encoder. A bad picture costs its own row, whatever its `on_error`. ``cache="memory"``
        keeps nothing here; a folder has to be one that all actors' machines share.
    column : str, default="path"
        The column of pictures.
    output_column : str, default="embedding"
        The new column of float32 vectors of fixed size; null where a picture could not be encoded.
    reason_column : str, default="reason"
        The new column that says why; null where it could.
    reading : {"auto", "tasks", "actors"}, default="auto"
        Where pictures are read and prepared: in tasks of Ray's, on any machine's CPUs, or in the
        threads of the actor that encodes them. "auto" takes tasks for actors with a GPU, unless
        there is a folder as cache, in which a picture may be found without being read.
    num_actors : int, (int, int) or None, default=None
        How many encoders there are; a pair is the least and the most. None: one for each GPU of the
        cluster, or without any one for each machine. An encoder that computes on one thread wants
        one for each core.
    num_cpus : float or None, default=None
        CPUs of each actor, which reads and computes with as many threads. None: those of its
        machine but for one, shared among the actors there; 1 where tasks read.
    num_gpus : float or None, default=None
        GPUs of each actor, such as 0.5 for two on one. None: 1 where the cluster has any.
    batch_size : int, default=256
        Rows that an actor is given at once. Its encoder has its own, the transformer's.
    preserve_order : bool, default=False
        Whether rows come in the order of `ds`. A slow batch then holds up those behind it. It is
        one of the settings that `ds` and what is made of it share.

    Returns
    -------
    encoded : ray.data.Dataset
        Every row of `ds` with all of its columns, and the two new ones.

    Raises
    ------
    ImportError
        Ray Data is not installed: it comes with the extra ``[ray]``.
    ValueError
        There is no such column, or a new one has the name of another.

    Notes
    -----
    The rows are those of ``transformer.transform``. In fp32 and on processors of one kind they are
    so to the bit where the encoder computes on as many threads, of which an actor has `num_cpus`,
    and its batches have the same number of pictures, as ``FrozenEncoderTransformer(batch_size=1)``
    makes sure. Otherwise convolutions and matrix products add up in another order, and the seventh
    digit may differ.

    A picture on which the encoder fails has its reason, as one that cannot be read has. If it fails
    on all pictures that an actor was given, that is an error. An actor that dies is started again,
    and its rows are done again, one by one; a picture of which it dies twice has that as its
    reason.

    :doc:`/user_guide/ray` tells how a run that was stopped goes on, and what a million pictures
    cost.

    Examples
    --------
    >>> import ray  # doctest: +SKIP
    >>> from sklearn_ssafe import FrozenEncoderTransformer
    >>> from sklearn_ssafe.distributed import encode_dataset
    >>> ds = ray.data.read_parquet("s3://bucket/pictures/")  # doctest: +SKIP
    >>> encoded = encode_dataset(ds, FrozenEncoderTransformer(), column="jpeg")  # doctest: +SKIP
    >>> encoded.drop_columns(["jpeg"]).write_parquet("s3://bucket/rows/")  # doctest: +SKIP
    """
    return add_stages(
        ray_with_data(),
        ds,
        Encoding,
        transformer,
        column=column,
        names=[output_column, reason_column],
        reading=reading,
        num_actors=num_actors,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        batch_size=batch_size,
        preserve_order=preserve_order,
    )
