"""``ssafe fit``: from labelled pictures to a detector in a folder."""

import click

from . import options
from .encoding import list_failures
from .tables import held_out_text, verdict_text


def _pairs(context, parameter, given):
    """Read NAME=STRENGTH,STRENGTH as pairs."""
    pairs = []
    for text in given:
        name, _, strengths = text.partition("=")
        try:
            pairs += [(name, float(strength)) for strength in strengths.split(",")]
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is not NAME=STRENGTHS, such as jpeg=80,45."
            ) from None
    return pairs or None


@click.command()
@options.data
@options.output("The detector: a new folder.", type=options.NEW_FOLDER)
@click.option(
    "--preset",
    type=click.Choice(["paper"]),
    help="The paper's encoder, curation and head, as SSAFEClassifier.paper().",
)
@options.encoder
@click.option(
    "--head",
    default="logistic",
    show_default=True,
    type=click.Choice(["logistic", "probe"]),
    help="Logistic regression, or the paper's linear probe.",
)
@click.option(
    "--curate",
    type=click.IntRange(2),
    metavar="N",
    help="Train on N pictures that the paper's curation chooses from DATA, half of them real.",
)
@click.option(
    "--n-generators",
    default=8,
    show_default=True,
    type=click.IntRange(1),
    help="With --curate: how many generators it chooses.",
)
@click.option(
    "--threshold",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Call generated what scores this or more.",
)
@click.option(
    "--target-fpr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Choose the threshold so that at most this share of real pictures is called generated.",
)
@click.option(
    "--abstain",
    multiple=True,
    metavar="RATE",
    help="Say unsure, so that at most this share of each source and of each generator gets the "
    "wrong verdict: 0.05, or fpr=0.01 and fnr=0.1; or stability. May be given several times.",
)
@options.folds
@click.option(
    "--augment",
    multiple=True,
    metavar="NAME=STRENGTHS",
    callback=_pairs,
    help="Train on changed copies as well: jpeg=80,45 or resize_bicubic=0.6. May be repeated.",
)
@click.option(
    "--keep-training-rows",
    is_flag=True,
    help="Keep embeddings and names of the training pictures, for ssafe explain.",
)
@click.option("--overwrite", is_flag=True, help="Replace a detector that is there.")
@options.columns("Columns of the table that are judged together with the picture, comma between.")
@options.cache
@options.embeddings
@options.quiet
def fit(
    data,
    output,
    preset,
    encoder,
    head,
    curate,
    n_generators,
    threshold,
    target_fpr,
    abstain,
    folds,
    augment,
    keep_training_rows,
    overwrite,
    columns,
    cache,
    embeddings,
    quiet,
):
    """Train a detector on DATA and save it.

    DATA is a folder with the subfolders real/ and generated/, or a CSV, Excel or Parquet table
    with the columns path and label, and if you have them generator and source. Pictures that
    cannot be read are named and left out. A column domain, what a picture is of, is for --curate.

    The figures printed, and those in the detector's README.md, are of folds that hold out whole
    generators and whole real sources.
    """
    import warnings

    from .. import datasets
    from ..detector.folder import is_detector, refuse_what_is_no_detector
    from ..exceptions import EncodingWarning

    _refuse_what_the_preset_decides(preset)
    abstain = _abstain(abstain)
    refuse_what_is_no_detector(output)
    if is_detector(output) and not overwrite:
        raise click.UsageError(f"{output} is a detector already: add --overwrite to replace it.")
    pictures = datasets.load_images(data)
    if (preset or curate) and not any(pictures.generator):
        chooses = f"--preset {preset}" if preset else "--curate"
        raise click.UsageError(
            f"{chooses} chooses among generators, and {data} names none: it needs the column "
            "generator, or a folder for each generator."
        )
    detector = _new_detector(preset, encoder, head, threshold)
    if curate:
        detector.set_params(curator=_new_curator(curate, n_generators, encoder["encoder"]))
    domain = pictures.frame.get("domain")
    detector.set_params(target_fpr=target_fpr, abstain=abstain, cv=folds, augment=augment)
    detector.set_params(keep_training_rows=keep_training_rows)
    if columns is not None:
        detector.set_params(columns=list(options.named_columns(pictures.frame, columns)))
    detector.encoder.set_params(
        device=encoder["device"],
        on_error="nan",
        cache=options.kept_in(cache),
        verbose=options.verbose(quiet),
    )
    if embeddings is not None:
        from .embeddings import read_embeddings

        embeddings, _ = read_embeddings(embeddings, pictures.X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", EncodingWarning)  # told below
        detector.fit(
            pictures.X if columns is None else pictures.frame,
            pictures.y,
            generator=pictures.generator,
            source=pictures.source,
            domain=domain,
            embeddings=embeddings,
        )
    list_failures(detector.failures_, pictures, err=True)
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    detector.save(output)
    _report(detector, output)


def _abstain(words):
    """Turn ``--abstain`` 0.05, fpr=0.01, stability and so on into the parameter."""
    asked = {}
    for word in words:
        name, _, value = word.rpartition("=")
        if word == "stability":
            asked["stability"] = True
            continue
        try:
            rate = float(value)
        except ValueError:
            rate = 0
        if name not in ("", "fpr", "fnr") or not 0 < rate < 1:
            raise click.UsageError(
                f"--abstain {word}: give a share such as 0.05, or fpr=0.01 and fnr=0.1, or "
                "stability."
            )
        asked |= {"fpr": rate, "fnr": rate} if not name else {name: rate}
    if len(asked.keys() & {"fpr", "fnr"}) == 1:
        raise click.UsageError("--abstain: give both fpr=... and fnr=..., or one share for both.")
    return asked or None


def _refuse_what_the_preset_decides(preset):
    context = click.get_current_context()
    decided = ("encoder", "pretrained", "head", "curate", "n_generators")
    given = [name for name in decided if context.get_parameter_source(name).name == "COMMANDLINE"]
    if preset and given:
        raise click.UsageError(
            f"--preset {preset} decides --{given[0].replace('_', '-')}: leave one of them out."
        )


def _new_detector(preset, encoder, head, threshold):
    from .. import FrozenEncoderTransformer, LinearProbe, SSAFEClassifier

    if preset == "paper":
        return SSAFEClassifier.paper(weights=encoder["weights"], threshold=threshold)
    return SSAFEClassifier(
        FrozenEncoderTransformer(**encoder),
        head=LinearProbe(random_state=0) if head == "probe" else None,
        threshold=threshold,
    )


def _new_curator(n_samples, n_generators, encoder):
    """Choose as ssafe curate does: measurements in different units are scaled first."""
    from sklearn.preprocessing import StandardScaler

    from .. import GeneratorCurator

    scale = StandardScaler() if encoder == "forensic" else None
    return GeneratorCurator(n_generators, n_samples=n_samples, encoder=scale, random_state=0)


def _report(detector, output):
    from .tables import curation_text

    scores, point = detector.out_of_fold_, detector.operating_point_
    if detector.curator_ is not None:
        click.echo(curation_text(detector.curator_.summary_))
        how = "chosen as above" if point is None else "chosen like these anew in each fold"
        click.echo(f"Trained on {len(detector.training_indices_):,} pictures, {how}.\n")
    if scores is None:
        click.echo("The pictures cannot be split, so that there are no held-out figures.")
    else:
        click.echo(f"{scores.fold.max() + 1} folds. Held out in each: {scores.held_out}.\n")
        click.echo(held_out_text(detector.training_table_.drop(columns="trained_on")))
    click.echo(f"\nThreshold {detector.threshold_:.4g}.", nl=point is None)
    if point is not None:
        click.echo(
            f" At it, {point.n_false} of {point.n_real} held-out real pictures are called "
            f"generated ({point.fpr:.2%}, upper bound {point.fpr_upper_bound:.2%})."
        )
    rule = detector.verdict_rule_
    if rule is not None:
        click.echo(
            f"Real below {rule.real_below:.4g}, generated from {rule.generated_from:.4g}, between "
            "them unsure:\n"
        )
        click.echo(verdict_text(rule.frame()))
    click.echo(f"Saved in {output}; README.md in it says what it is.")
