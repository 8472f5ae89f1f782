"""``ssafe recalibrate``: a detector's threshold, moved to one's own real pictures."""

import click

from . import options


@click.command()
@options.detector
@click.argument("pictures", nargs=-1, required=True)
@options.output("The detector with its new threshold: a new folder.", type=options.NEW_FOLDER)
@click.option(
    "--target-fpr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Call at most this share of such pictures generated. Default: the share that the "
    "threshold is for now.",
)
@click.option("--overwrite", is_flag=True, help="Replace a detector that is there.")
@options.weights_here
@options.device
@options.cache
@options.quiet
def recalibrate(detector, pictures, output, target_fpr, overwrite, weights, device, cache, quiet):
    """Move the threshold of DETECTOR to your own real PICTURES, and save it as another.

    PICTURES are files, folders, tables with a column path, or - for standard input with one path a
    line: real pictures of your own cameras, which DETECTOR was not trained on. Twenty are a
    beginning, and a few hundred promise more: 59 are needed to promise 5 % with 95 % confidence,
    299 for 1 %. No generated pictures are needed. DETECTOR stays as it is.

    Pictures that cannot be read are named and left out.
    """
    import warnings

    from ..detector.folder import is_detector, refuse_what_is_no_detector
    from ..detector.loading import load_detector
    from ..exceptions import EncodingWarning
    from ..images.picture import as_picture
    from .inputs import as_judged, list_inputs, list_rows

    refuse_what_is_no_detector(output)
    if is_detector(output) and not overwrite:
        raise click.UsageError(f"{output} is a detector already: add --overwrite to replace it.")
    loaded = load_detector(detector, weights=weights, device=device)
    if loaded.encoder_ is None:
        raise click.UsageError(
            f"{detector} takes embeddings, not pictures: recalibrate it in Python, "
            "load_detector(...).recalibrate(embeddings)."
        )
    of_table = loaded.columns is not None
    inputs = list_rows(pictures, loaded.columns) if of_table else list_inputs(pictures)
    for given in inputs:
        if given.reason:
            click.echo(f"left out: {as_picture(given.path).name}: {given.reason}", err=True)
    inputs = [given for given in inputs if not given.reason]
    if not inputs:
        raise click.UsageError("there is no picture among what was given.")
    loaded.encoder_.set_params(
        on_error="nan", cache=options.kept_in(cache), verbose=options.verbose(quiet)
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", EncodingWarning)  # told below
        moved = loaded.recalibrate(as_judged(inputs), target_fpr=target_fpr)
    for failure in moved.encoder_.failures_.itertuples():
        click.echo(f"left out: {failure.path}: {failure.reason}", err=True)
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    moved.save(output)
    _report(moved, output)


def _report(detector, output):
    from ..results import percent

    point, done = detector.operating_point_, detector.recalibration_
    click.echo(
        f"Threshold {detector.threshold_:.4g}, before {done.threshold_before:.4g}, to call at most "
        f"{percent(point.target_fpr)} of such pictures generated. At it, "
        f"{point.n_false} of {point.n_real} of these real pictures are called generated; upper "
        f"bound {percent(point.fpr_upper_bound)}."
    )
    if detector.out_of_fold_ is not None:
        scores = detector.out_of_fold_
        score = scores.score[scores.y == 1]
        before, now = ((score >= each).mean() for each in (done.threshold_before, point.threshold))
        click.echo(
            f"Of the generated pictures held out in training, {percent(now)} are detected at it, "
            f"before {percent(before)}."
        )
    click.echo(f"Saved in {output}; README.md in it says what it is.")
