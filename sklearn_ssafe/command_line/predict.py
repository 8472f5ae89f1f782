"""``ssafe predict``: a verdict on every picture, whatever happens."""

import sys
import time
from math import isclose
from pathlib import Path

import click

from ..results import visible
from . import options
from .paths import NewFile

# A stop loses what has not been written: pictures at a time, so that this is a few seconds' work.
_FIRST, _MOST = 16, 256
_SECONDS = (2, 10)
# Some rows of an earlier run are scored again, to see that the same detector made them.
_SCORED_AGAIN = 8
_TOLERANCE = 2e-3
_SOME_FAILED = 3


@click.command()
@options.detector
@click.argument("pictures", nargs=-1, required=True)
@options.output(
    "A CSV file; without it, standard output.",
    type=NewFile(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    required=False,
)
@click.option("--overwrite", is_flag=True, help="Begin anew where the file is there.")
@click.option(
    "--html",
    type=NewFile(dir_okay=False, path_type=Path),
    help="Also a page on which to look through the rows of --output, such as verdicts.html.",
)
@click.option(
    "--thumbnail-folder", is_flag=True, help="With --html: small pictures in a folder beside it."
)
@click.option(
    "--provenance", is_flag=True, help="Also a column with what each file claims of its origin."
)
@options.trust_anchors
@options.weights_here
@options.device
@options.allow_download
@options.cache
@options.engine
@options.quiet
def predict(
    detector,
    pictures,
    output,
    overwrite,
    html,
    thumbnail_folder,
    provenance,
    trust_anchors,
    weights,
    device,
    allow_download,
    cache,
    ray,
    quiet,
):
    """Judge PICTURES with DETECTOR: a row of path, score, threshold, verdict, error for each.

    The verdict is real or generated, or unsure if the detector was made with --abstain.

    PICTURES are files, folders, tables with a column path, or - for standard input with one path a
    line. A picture that cannot be read has its reason in the column error. Relative paths are
    written as they begin at the folder of the output, so that it is a table for any command.

    With --provenance, what each file claims of its origin stands beside the verdict, and has no
    part in it: signed by whom (C2PA, with the extra [c2pa]), or unsigned. Nothing is fetched.

    Rows are written as they come. If the command is stopped, the same command goes on where it
    was, with the rows that are not in the file yet.

    The exit status is 0 when every picture has a verdict, 3 when some have an error, 1 when
    nothing could be done, 2 when the command is used in a wrong way, 130 when it was stopped.
    """
    from ..detector.loading import load_detector
    from .inputs import list_inputs, list_rows
    from .verdict_file import VerdictFile

    path = None if str(output) == "-" else output
    if html is not None and (path is None or (path.exists() and not path.is_file())):
        raise click.UsageError("--html shows the rows of --output: name a file there, too.")
    if thumbnail_folder and html is None:
        raise click.UsageError("--thumbnail-folder goes with --html.")
    if trust_anchors is not None and not provenance:
        raise click.UsageError("--trust-anchors goes with --provenance.")
    judge = load_detector(detector, weights=weights, device=device, allow_download=allow_download)
    if judge.encoder_ is None:
        raise click.UsageError(f"{detector} takes embeddings, not pictures.")
    # Each picture is met once, so there is nothing to keep in memory.
    judge.encoder_.set_params(on_error="nan", verbose=False, cache=cache)
    if judge.columns is None:
        inputs = list_inputs(pictures)
    else:
        inputs = list_rows(pictures, judge.columns)
    with VerdictFile(path, overwrite, provenance) as file:
        if file.done:
            _check_same_detector(judge, file, inputs, output)
        todo, n_errors = _not_done(inputs, file)
        n_before = len(inputs) - len(todo)
        try:
            judged = _judge_here(judge, todo) if ray is None else _judge_by_ray(judge, todo, ray)
            n_errors += _write_all(judged, len(todo), file, quiet, trust_anchors)
        except KeyboardInterrupt:
            if path is not None:
                click.echo(
                    f"\nWhat was done is in {output}. Run the same command to go on.", err=True
                )
            raise
    if path is not None:
        found = f", {n_before:,} of them from before" if n_before else ""
        click.echo(
            f"{len(inputs):,} rows in {output}{found}; {n_errors:,} with an error.", err=True
        )
    if html is not None:
        from .verdict_html import write_verdict_page

        write_verdict_page(
            html,
            path,
            title=f"Verdicts of {detector.resolve().name}",
            threshold=judge.threshold_,
            thumbnails=thumbnail_folder,
            verbose=options.verbose(quiet),
        )
        click.echo(f"A page to look through them: {html}.", err=True)
    if n_errors == len(inputs):
        raise click.ClickException("Not one picture could be judged.")
    if n_errors:
        sys.exit(_SOME_FAILED)


def _not_done(inputs, file):
    """Return the inputs that have no row yet, and how many of the others have an error."""
    rows = {}
    for cell, row in zip(file.cells, file.done, strict=True):
        rows.setdefault(cell, []).append(row)
    todo, n_errors = [], 0
    for given in inputs:
        if found := rows.get(file.cell(given.path)):
            n_errors += found.pop(0)["error"] != ""
        else:
            todo.append(given)
    return todo, n_errors


def _write_all(judged, n_inputs, file, quiet, trust_anchors):
    """Write rows, some at a time; return the number of errors."""
    from ..encoding.progress import progress_bar

    n_errors = 0
    with progress_bar(n_inputs, "judging", options.verbose(quiet)) as bar:
        for rows in judged:
            if "provenance" in file.columns:
                _add_provenance(rows, trust_anchors)
            file.write(rows)
            n_errors += sum(row["error"] != "" for row in rows)
            bar.update(len(rows))
    return n_errors


def _judge_here(judge, todo):
    """Yield the rows of all inputs, some at a time."""
    start, at_once = 0, _FIRST
    while start < len(todo):
        began = time.monotonic()
        rows = _judge(judge, todo[start : start + at_once])
        yield rows
        start += len(rows)
        seconds = time.monotonic() - began
        if seconds < _SECONDS[0]:
            at_once = min(_MOST, 2 * at_once)
        elif seconds > _SECONDS[1]:
            at_once = max(1, at_once // 2)


def _judge_by_ray(judge, todo, address):
    """Yield the rows of all inputs as a cluster has done them, in their order."""
    from ..distributed.cluster import connected
    from ..distributed.judgements import iter_judged
    from .inputs import as_judged

    good = [given for given in todo if not given.reason]
    waiting = iter(todo)
    if good:
        with connected(address or None):
            for judged in iter_judged(judge, as_judged(good)):
                yield [row for each in judged for row in _rows_up_to(judge, waiting, each)]
    yield [_row(judge, given.path, None, "", given.reason) for given in waiting]


def _rows_up_to(judge, waiting, judged):
    """Yield the rows of inputs that are no pictures, up to the one that was judged, and its row."""
    for given in waiting:
        if not given.reason:
            yield _row(judge, given.path, *judged)
            return
        yield _row(judge, given.path, None, "", given.reason)


def _judge(judge, some):
    """Return a row for each `Input`."""
    from ..detector.verdicts import score_verdicts_and_reasons
    from .inputs import as_judged

    reasons = {place: given.reason for place, given in enumerate(some) if given.reason}
    places = [place for place in range(len(some)) if place not in reasons]
    verdicts = {}
    if places:
        X = as_judged([some[place] for place in places])
        score, verdict, failed = score_verdicts_and_reasons(judge, X)
        verdicts = dict(zip(places, zip(score, verdict, strict=True), strict=True))
        reasons |= {places[row]: reason for row, reason in failed.items()}
    return [
        _row(judge, given.path, *verdicts.get(place, (None, "")), reasons.get(place))
        for place, given in enumerate(some)
    ]


def _row(judge, path, score, verdict, reason):
    """Return the row of one picture: a verdict, or the reason why there is none."""
    from ..detector.verdicts import current_rule

    if reason is not None:
        return {"path": path, "score": "", "threshold": "", "verdict": "", "error": reason}
    rule = current_rule(judge)
    limits = [judge.threshold_] if rule is None else [rule.real_below, rule.generated_from]
    return {
        "path": path,
        "score": _score_text(score, limits),
        "threshold": repr(float(judge.threshold_)),
        "verdict": str(verdict),
        "error": "",
    }


def _add_provenance(rows, trust_anchors):
    from ..images.provenance import provenance_words

    for row in rows:
        row["provenance"] = "" if row["error"] else provenance_words(row["path"], trust_anchors)


def _score_text(score, limits):
    """Write six decimals, or as many as it takes to lie on the same side of each limit."""
    text = f"{score:.6f}"
    same_side = all((float(text) >= limit) == (score >= limit) for limit in limits)
    return text if same_side else repr(float(score))


def _check_same_detector(judge, file, inputs, output):
    from .inputs import Input

    scored = [row for row in file.done if row["score"]][:_SCORED_AGAIN]
    given = [Input(row["path"]) for row in scored]
    if judge.columns is not None:
        of_cell = {file.cell(each.path): each for each in reversed(inputs)}
        # A picture that stands in several rows has other columns in each.
        first = {file.cell(row["path"]): row for row in reversed(scored)}
        pairs = [(row, of_cell[cell]) for cell, row in first.items() if cell in of_cell]
        scored, given = ([pair[place] for pair in pairs] for place in (0, 1))
    again = _judge(judge, given)
    for before, now in zip(scored, again, strict=True):
        if now["score"] and abs(float(before["score"]) - float(now["score"])) > _TOLERANCE:
            raise click.UsageError(
                f"{output} has the score {before['score']} for {visible(before['path'])}, and this "
                f"detector gives {now['score']}: the file is of another detector, or the picture "
                "has changed. Choose another --output, or add --overwrite."
            )
    from ..detector.verdicts import verdicts_fit

    rows = [row for row in file.done if row["score"]]
    if not rows:
        return
    found = [row["verdict"] for row in rows]
    fits = verdicts_fit(judge, [float(row["score"]) for row in rows], found, _TOLERANCE)
    # A verdict that fits a score known to a tolerance may still be by another threshold.
    fits &= [isclose(float(row["threshold"]), judge.threshold_, rel_tol=1e-12) for row in rows]
    if not all(fits):
        row = rows[list(fits).index(False)]
        raise click.UsageError(
            f"{output} has the verdict {row['verdict']} for {visible(row['path'])}, by the "
            f"threshold {row['threshold']} and the score {row['score']}, and this detector judges "
            "otherwise: its threshold has been moved. Choose another --output, or add --overwrite."
        )
