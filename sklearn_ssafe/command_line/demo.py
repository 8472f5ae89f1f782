"""``ssafe demo``: from pictures to a table of verdicts, in about a minute."""

from pathlib import Path

import click

from . import options
from .encoding import encode, list_failures
from .paths import PathType
from .tables import held_out_text


@click.command()
@click.argument("data", required=False, type=PathType(exists=True, path_type=Path))
@options.encoder
@options.folds
@options.cache
@options.quiet
def demo(data, encoder, folds, cache, quiet):
    """Embed pictures, cross-validate a linear head, print how well it does.

    DATA is a folder with the subfolders real/ and generated/, or a CSV, Excel or Parquet table
    with the columns path and label, and if you have them generator and source. Without DATA, the
    pictures are made on the spot: drawn scenes, and simulated generators.

    Every fold holds out whole generators and whole sources of real pictures. Nothing is written
    but embeddings with --cache, and nothing leaves this machine.
    """
    import time

    from .. import datasets

    started = time.perf_counter()
    if data is None:
        click.echo("Making 240 pictures: simulated cameras, simulated generators ...")
        pictures = datasets.make_generated_images(n_samples=240, random_state=0)
    else:
        pictures = datasets.load_images(data)
    features, transformer = encode(pictures.X, encoder, cache=cache, verbose=options.verbose(quiet))
    _report(pictures, features, transformer.failures_, folds)
    click.echo(f"{time.perf_counter() - started:.0f} seconds in all.")
    click.echo(_WHAT_NEXT if data is None else _CAUTION)


_WHAT_NEXT = """
These pictures are simulated, so the figures show that the installation works, not how well it
detects. Try your own pictures: ssafe demo FOLDER (with real/ and generated/ in it)."""

_CAUTION = """
Before you believe good figures: if real and generated pictures differ in format, size or
compression, a detector learns that difference instead."""


# Below this, one odd source or generator decides the figures.
_FEW_NAMES = 4
_FEW_PICTURES = 100


def _report(pictures, features, failures, folds):
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from ..model_selection.held_out import held_out_scores, held_out_table

    list_failures(failures, pictures, err=False)
    good = np.setdiff1d(np.arange(len(features)), failures["row"])
    labels = {"generator": pictures.generator[good], "source": pictures.source[good]}
    head = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)
    )
    scores = held_out_scores(
        head,
        features[good],
        pictures.y[good],
        groups=pictures.groups[good],
        cv=folds,
        **labels,
    )
    n_real, n_generated = np.bincount(scores.y)
    click.echo(
        f"\n{n_real} real and {n_generated} generated pictures, {features.shape[1]} features."
    )
    click.echo(f"{scores.fold.max() + 1} folds. Held out in each: {scores.held_out}.\n")
    table = held_out_table(scores, **labels)
    click.echo(held_out_text(table))
    for word, few in (("real", 0), ("generated", 1)):
        n_names = len(set(table.loc[table["class"] == word, "name"]))
        if n_names < _FEW_NAMES or (scores.y == few).sum() < _FEW_PICTURES:
            click.echo(
                f"\nOnly {(scores.y == few).sum()} {word} pictures from {n_names} "
                f"{'source' if few == 0 else 'generator'}(s): too few to judge a detector by."
            )
    averages = scores.fold_averages()
    click.echo(
        "\nMean over folds (standard deviation): "
        f"AUC {_mean(averages['auc'])}, "
        f"balanced accuracy at threshold 0.5 {_mean(averages['balanced_accuracy'])}"
    )


def _mean(mean_and_deviation):
    mean, deviation = mean_and_deviation
    return f"{mean:.3f} ({deviation:.3f})"
