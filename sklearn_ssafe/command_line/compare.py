"""``ssafe compare``: encoders, heads and plain baselines on the same folds."""

import click

from ..datasets.table_out import write_table
from . import options


@click.command()
@options.data
@click.option(
    "--encoder",
    "encoders",
    multiple=True,
    help="NAME or NAME:PRETRAINED, see: ssafe encoders. May be repeated.  [default: forensic]",
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
    if target is None:
        pictures = datasets.load_images(data)
    else:
        pictures = datasets.load_manifest(data, target_column=target)
    comparison = compare_detectors(
        pictures.X,
        pictures.y,
        encoders=_encoders(
            encoders or ("forensic",),
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
    )
    click.echo(comparison.to_json() if as_json else str(comparison))
    if output is None:
        return
    if output.suffix == ".csv":
        write_table(comparison.frame(), output)
    else:
        output.write_text(comparison.to_json(), encoding="utf-8")


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
