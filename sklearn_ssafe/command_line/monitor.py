"""``ssafe monitor``: whether the pictures that come are still those the detector knows."""

import hashlib
import json
import sys

import click

from ..results import visible
from . import options
from .paths import PathType

_SOME_FAILED, _CHANGED, _UNKNOWN = 3, 4, 5
_KEPT = {"false_alarm_rate": "--false-alarm-rate", "n_looks": "--looks", "window": "--window"}


@click.command()
@options.detector
@click.argument("pictures", nargs=-1, required=True)
@click.option(
    "--reference",
    type=PathType(exists=True),
    help="The pictures that are known, as ssafe fit takes them. Needed to begin.",
)
@click.option(
    "--state",
    type=options.FILE,
    default="ssafe-monitor.npz",
    show_default=True,
    help="The file that is kept from one run to the next.",
)
@click.option(
    "--false-alarm-rate",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Chance of any false alarm in a period of --looks looks.",
)
@click.option("--looks", default=100, show_default=True, type=click.IntRange(1))
@click.option(
    "--window",
    default=500,
    show_default=True,
    type=click.IntRange(20),
    help="How many of the latest pictures a look is at.",
)
@click.option(
    "--suggest", type=click.IntRange(1), help="Write so many pictures worth a label to --output."
)
@options.output("Where --suggest writes, a CSV file.", required=False)
@options.weights_here
@options.device
@options.allow_download
@options.cache
@options.as_json("Print what was found as JSON.")
@options.quiet
def monitor(
    detector,
    pictures,
    reference,
    state,
    false_alarm_rate,
    looks,
    window,
    suggest,
    output,
    weights,
    device,
    allow_download,
    cache,
    as_json,
    quiet,
):
    """Say whether the PICTURES that are new since the last run are of a kind DETECTOR knows.

    PICTURES are files, folders, tables with a column path, or - for standard input. The first run
    takes the pictures of --reference as known and writes --state; later runs go on from there, look
    at each picture once, and count the looks.

    --suggest 20 -o label_me.csv names the pictures that are worth a label: fill in the columns
    label, generator and source, and ssafe fit takes the table, below those it had.

    The exit status, for cron: 0 nothing new was found, or there are no new pictures, or too few for
    a look; 4 the pictures are no longer drawn as the reference was, which other proportions of
    known generators and sources may explain; 5 there is something unknown, which no such
    proportions explain; 3 neither, but some pictures could not be read; 1 or 2 nothing could be
    done; 130 it was stopped.
    """
    from ..detector.loading import load_detector
    from .inputs import list_inputs

    if (suggest is None) != (output is None):
        raise click.UsageError("--suggest and --output go together.")
    judge = load_detector(detector, weights=weights, device=device, allow_download=allow_download)
    if judge.encoder_ is None:
        raise click.UsageError(f"{detector} takes embeddings, not pictures.")
    options.set_cache(judge, cache)
    judge.encoder_.set_params(verbose=options.verbose(quiet))
    parameters = {"false_alarm_rate": false_alarm_rate, "n_looks": looks, "window": window}
    watch = _resume(judge, reference, state, parameters)
    begins = watch is None
    if begins:
        watch = _begin(judge, reference, state, parameters)
    seen = set(watch.notes_["seen"])
    inputs = list_inputs(pictures, may_be_none=True)
    keys = {given.path: _key(given.path) for given in inputs if not given.reason}
    new = [path for path, key in keys.items() if key not in seen]
    found = None
    if new:
        found = watch.update(new)
        watch.notes_["seen"] += [keys[path] for path in new]
    if begins and state.exists():
        raise click.ClickException(
            f"{state} was begun by another run meanwhile, so this look was not written: let one "
            "run end before the next begins."
        )
    watch.save(state)
    _tell(found, as_json)
    if suggest is not None:
        _write_suggestions(watch, suggest, output)
    if found is not None:
        sys.exit(_status(found))


def _resume(judge, reference, state, parameters):
    """Return the monitor in the state file; None where there is no such file."""
    from ..monitoring import NoveltyMonitor

    if not state.exists():
        return None
    watch = NoveltyMonitor.load(state, judge)
    context = click.get_current_context()
    for name, value in parameters.items():
        option = _KEPT[name]
        given = context.get_parameter_source(option[2:].replace("-", "_")).name == "COMMANDLINE"
        if given and value != getattr(watch, name):
            raise click.UsageError(
                f"{state} was begun with {option} {getattr(watch, name)}: leave the option out, or "
                "begin anew with another --state."
            )
    if reference is not None and _digest(_load(reference)) != watch.notes_["reference"]:
        raise click.UsageError(
            f"{state} was begun with another reference than {reference}: leave --reference out to "
            "go on with that one, or begin anew with another --state."
        )
    return watch


def _begin(judge, reference, state, parameters):
    from ..monitoring import NoveltyMonitor
    from .encoding import list_failures

    if reference is None:
        raise click.UsageError(f"there is no {state} yet: to begin, --reference is needed.")
    known = _load(reference)
    watch = NoveltyMonitor(judge, **parameters)
    watch.fit(known.X, known.y, generator=known.generator, source=known.source)
    list_failures(watch.failures_, known, err=True)
    watch.notes_ = {"reference": _digest(known), "seen": []}
    click.echo(f"Begun with {len(known.X)} known pictures; kept in {state}.", err=True)
    return watch


def _load(reference):
    from .. import datasets

    return datasets.load_images(reference)


def _digest(known):
    """Return what tells one reference from another."""
    columns = [known.frame[name].astype(str) for name in ("path", "label", "generator", "source")]
    text = json.dumps([column.tolist() for column in columns])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(path):
    """Return what tells a picture, as it is now, from others and from its earlier self."""
    from ..images.picture import as_picture

    picture = as_picture(path)
    file = picture.file_state()
    content = picture.given_bytes() if file is None else file.path_key + file.stamp
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _tell(found, as_json):
    if found is None:
        click.echo("{}" if as_json else "No new pictures.")
        return
    click.echo(found.to_json() if as_json else visible(str(found)))
    for failure in found.failures.itertuples():
        message = f"could not be read: {failure.path}: {failure.reason}"
        click.echo(visible(message), err=True)


def _write_suggestions(watch, n, output):
    from ..datasets.table_out import write_table

    if not watch.n_pictures_:
        click.echo("There are no pictures to suggest yet.", err=True)
        return
    table = watch.suggest(n).drop(columns="row")
    write_table(table, output)
    click.echo(f"{len(table)} pictures worth a label in {output}.", err=True)


def _status(found):
    if found.unknown:
        return _UNKNOWN
    if found.changed:
        return _CHANGED
    return _SOME_FAILED if len(found.failures) else 0
