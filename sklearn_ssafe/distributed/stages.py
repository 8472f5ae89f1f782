"""The stages that rows pass: cut into batches, read and prepared, encoded."""

import os
from numbers import Integral

from ..encoders.names import resolve_name
from ..encoding.copies import is_module
from ..encoding.transformer import FrozenEncoderTransformer, encoder_settings, loaded_encoder
from .deaths import Deaths
from .placement import gpus_of_each, place_actors
from .rows import check_new_columns, check_picture_column
from .workers import for_a_worker, prepare

_READING = ("auto", "tasks", "actors")


def add_stages(
    ray,
    ds,
    actor,
    transformer,
    *,
    column,
    names,
    reading,
    num_actors,
    num_cpus,
    num_gpus,
    batch_size,
    preserve_order,
    may_prepare=True,
    **for_actor,
):
    """Return the data set with the columns `names`, which actors make by the transformer."""
    if not isinstance(ds, ray.data.Dataset):
        raise TypeError(f"ds is of type {type(ds).__name__}, and has to be a ray.data.Dataset")
    _check_columns(ds, column, names)
    if not (isinstance(batch_size, Integral) and batch_size >= 1):
        raise ValueError(f"batch_size={batch_size!r} must be a whole number from 1 up")
    _check_transformer(transformer)
    num_gpus = gpus_of_each(ray, transformer.device, num_gpus)
    in_tasks = _is_read_in_tasks(reading, may_prepare, num_gpus, transformer.cache)
    # One for tasks that read; of a checkpoint, an actor leaves out the rows, and has its own.
    n_kept = 1 if ds.context.checkpoint_config is None else 2
    placement = place_actors(ray, num_actors, num_cpus, num_gpus, is_fed=in_tasks, n_kept=n_kept)
    transformer = for_a_worker(transformer, placement.device, placement.n_threads)
    of_pictures = {"column": column, "folder": os.getcwd()}
    at_once = {
        "batch_size": batch_size,
        "batch_format": "pyarrow",
        "udf_modifying_row_count": not names,  # without new columns, rows are others
    }
    # A file of paths would otherwise be one block, and that one actor's.
    ds = ds.repartition(target_num_rows_per_block=batch_size, strict=True)
    if in_tasks:
        how = {
            "preparations": _preparations(ray, transformer, placement),
            "max_pixels": transformer.max_pixels,
        }
        ds = ds.map_batches(prepare, fn_kwargs={**of_pictures, **how}, **at_once)
    least, most = placement.n_actors
    ds = ds.map_batches(
        actor,
        fn_constructor_kwargs={
            "transformer": transformer,
            "n_threads": placement.n_threads,
            "names": names,
            "deaths": ray.remote(Deaths).options(num_cpus=0, max_restarts=-1).remote(),
            **of_pictures,
            **for_actor,
        },
        compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
        num_cpus=placement.num_cpus,
        num_gpus=placement.num_gpus,
        **at_once,
    )
    if preserve_order:
        ds.context.execution_options.preserve_order = True
    return ds


def _check_columns(ds, column, names):
    """Complain now of what the data set is known to have or not; else each batch is looked at."""
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two new columns are to be called {repeated[0]!r}")
    schema = ds.schema(fetch_if_missing=False)
    if schema is not None:
        check_picture_column(schema.names, column)
        check_new_columns(schema.names, names)


def _check_transformer(transformer):
    if not isinstance(transformer, FrozenEncoderTransformer):
        raise TypeError(
            f"the encoder is of type {type(transformer).__name__}, and has to be a "
            "FrozenEncoderTransformer"
        )
    transformer._validate_params()
    encoder = transformer.encoder
    for name in encoder if isinstance(encoder, list | tuple) else [encoder]:
        if isinstance(name, str):
            resolve_name(name)  # refuses one that is unknown, here and not in every actor
    encoder_settings(transformer)  # refuses a module that stayed in another process
    if is_module(encoder):
        raise ValueError(
            f"the encoder is a {type(encoder).__qualname__}, and weights are never "
            "sent to other processes: pass a function without arguments that returns the module, "
            "so that each actor builds its own"
        )


def _is_read_in_tasks(reading, may_prepare, num_gpus, cache):
    if reading not in _READING:
        raise ValueError(f"reading={reading!r} must be one of {', '.join(_READING)}")
    if reading == "tasks" and not may_prepare:
        raise ValueError(
            'reading="tasks" with a detector that changes pictures and encodes them again '
            '(abstain="stability"): use reading="actors"'
        )
    if reading != "auto":
        return reading == "tasks"
    # On a CPU, what reads a picture may as well encode it. What is in a cache need not be read.
    return may_prepare and num_gpus > 0 and cache in (None, "memory")


def _preparations(ray, transformer, placement):
    """Ask a process that may load the encoder how pictures are prepared for it."""
    resources = {"num_cpus": placement.num_cpus, "num_gpus": placement.num_gpus}
    return ray.get(ray.remote(_load_preparations).options(**resources).remote(transformer))


def _load_preparations(transformer):
    return [part.preparation for part in loaded_encoder(transformer).parts]
