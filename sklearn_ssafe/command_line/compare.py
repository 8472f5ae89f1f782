"""``ssafe compare``: encoders, heads and plain baselines on the same folds."""

import click

from ..datasets.table_out import write_table
from . import options
from .encoding import list_failures


@click.command()
@options.data
@click.option(
    "--encoder",
    "encoders",
    multiple=True,
    help="NAME or NAME:PRETRAINED, see: ssafe encoders. May be repeated.  "
    "[default: efficientnet_lite0]",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="ENCODER=FILE",
    help="A file or folder with an encoder's weights. May be repeated.",
)
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=click.Choice(["linear", "linear_svm", "random_forest", "lightgbm", "knn"]),
    help="May be repeated.  [default: all that are installed]",
)
@options.columns("Columns of the table to use as well, comma between.")
@click.option("--target", help="Predict the numbers in this column in place of the labels.")
@options.folds
@click.option(
    "--fpr",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="False-positive rate at which the detection rate is measured.",
)
@click.option(
    "--save-best",
    type=options.NEW_FOLDER,
    help="Train the best candidate that sees pictures on all of DATA, and save it as a detector.",
)
@options.device
@options.cache
@options.quiet
@options.as_json("Print all figures as JSON.")
@options.output(
    "Write the candidates to this .csv file, or everything to this .json file.", required=False
)
def compare(
    data,
    encoders,
    weights,
    heads,
    columns,
    target,
    folds,
    fpr,
    save_best,
    device,
    cache,
    quiet,
    as_json,
    output,
):
    """Say whether the pictures add anything to the columns that you have.

    DATA is a folder with the subfolders real/ and generated/, or a CSV, Excel or Parquet table
    with the columns path and label, and if you have them generator, source, group and others.

    Every encoder is tried with every head, beside baselines that see no pixel: the properties of
    the files, the --columns, and both. All are judged on the same folds, with whole generators
    and whole sources of real pictures held out. Each picture is encoded once for each encoder.
    """
    from .. import compare_detectors, datasets

    if output is not None and output.suffix not in (".csv", ".json"):
        raise click.UsageError(f"--output {output}: the name must end in .csv or .json.")
    if save_best is not None:
        _refuse_to_save(save_best, target)
    if target is None:
        pictures = datasets.load_images(data)
    else:
        pictures = datasets.load_manifest(data, target_column=target)
    comparison = compare_detectors(
        pictures.X,
        pictures.y,
        encoders=_encoders(
            encoders or ("efficientnet_lite0",),
            weights,
            device=device,
            cache=options.kept_in(cache),
            verbose=options.verbose(quiet),
        ),
        heads=list(heads) or None,
        tabular=None if columns is None else options.named_columns(pictures.frame, columns),
        generator=pictures.generator,
        source=pictures.source,
        groups=pictures.groups,
        cv=folds,
        max_fpr=fpr,
        task="classification" if target is None else "regression",
        verbose=options.verbose(quiet),
    )
    list_failures(comparison.failures, pictures, err=True)
    click.echo(comparison.to_json() if as_json else str(comparison))
    if output is not None:
        if output.suffix == ".csv":
            write_table(comparison.frame(), output)
        else:
            output.write_text(comparison.to_json(), encoding="utf-8")
    if save_best is not None:
        _save_best(comparison, pictures, folds, save_best, err=as_json)


def _refuse_to_save(folder, target):
    from ..detector.folder import is_detector, refuse_what_is_no_detector

    if target is not None:
        raise click.UsageError("--save-best: a detector tells real from generated, not --target.")
    refuse_what_is_no_detector(folder)
    if is_detector(folder):
        raise click.UsageError(f"--save-best: {folder} is a detector already, choose a new name.")


def _save_best(comparison, pictures, folds, folder, err):
    """Train the best candidate on everything; its embeddings are there already."""
    import warnings

    from ..exceptions import EncodingWarning

    detector = comparison.make_detector()
    detector.encoder.set_params(on_error="nan", verbose=False)
    detector.set_params(cv=folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)  # told already
        detector.fit(
            pictures.X if detector.columns is None else pictures.frame,
            pictures.y,
            generator=pictures.generator,
            source=pictures.source,
        )
    detector.save(folder)
    table = comparison.frame()
    best = table[~table["baseline"]].iloc[0]
    click.echo(
        f"\n{best['input']} / {best['head']}, trained on all, is saved in {folder}.", err=err
    )
    if not (table["baseline"] & (table.index < best.name)).any():
        return
    click.echo("A candidate that sees no pixel does better: see above.", err=err)


def _encoders(names, weights, **more):
    from .. import FrozenEncoderTransformer

    files = dict(given.partition("=")[::2] for given in weights)
    if unknown := sorted(set(files) - set(names)):
        raise click.UsageError(
            f"--weights {unknown[0]}=...: give the encoder's name as in --encoder, one of "
            f"{', '.join(names)}"
        )
    made = {}
    for name in names:
        architecture, _, tag = name.partition(":")
        made[name] = FrozenEncoderTransformer(
            architecture,
            pretrained=tag or None,
            weights=files.get(name),
            **more,
        )
    return made
