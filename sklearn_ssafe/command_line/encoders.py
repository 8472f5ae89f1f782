"""``ssafe encoders``: which encoders there are and who may use them; bring one to a folder."""

import difflib
from pathlib import Path

import click

from .paths import PathType


class _ListUnlessNamed(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx, args):
        """Put the name of the first command in front."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(
    "encoders",
    cls=_ListUnlessNamed,
    subcommand_metavar="[PATTERN] | fetch NAME",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def encoders():
    """List encoders, or bring one into a folder.

    `ssafe encoders 'PE-*'` is short for `ssafe encoders list 'PE-*'`.
    """


@encoders.command("list")
@click.argument("pattern", required=False)
@click.option("--commercial", is_flag=True, help="Only weights whose licence allows it.")
@click.option("--csv", "layout", flag_value="csv", help="Print comma separated values.")
@click.option("--json", "layout", flag_value="json", help="Print a JSON list.")
def list_them(pattern, commercial, layout):
    """List the encoders whose names match PATTERN, such as 'PE-*' or 'timm/*dinov3*'.

    PATTERN takes the wildcards of a shell, in quotes, and is compared with ENCODER and with
    ENCODER:PRETRAINED. Without it all encoders but timm's many are listed.
    """
    from ..encoders.catalogue import list_encoders

    use = "yes" if commercial else None
    if pattern is None:
        table = list_encoders(commercial_use=use)
        n_hidden = int((table["library"] == "timm").sum())
        table = table[table["library"] != "timm"]
    else:
        table, n_hidden = list_encoders(pattern, commercial_use=use), 0
    if table.empty:
        raise click.ClickException(_nothing_matches(pattern, commercial))
    if layout == "csv":
        click.echo(table.to_csv(index=False, lineterminator="\n"), nl=False)
    elif layout == "json":
        click.echo(table.to_json(orient="records", indent=2))
    else:
        click.echo("\n".join(_lines(table)))
    if n_hidden:
        click.echo(f"timm has {n_hidden:,} more: ssafe encoders 'timm/*'", err=layout is not None)


@encoders.command()
@click.argument("name")
@click.option("-o", "--output", required=True, type=PathType(path_type=Path), help="A new folder.")
@click.option("--pretrained", help="Tag of the weights.")
def fetch(name, output, pretrained):
    """Write weights and configuration of the encoder NAME into a folder.

    NAME is an ENCODER or ENCODER:PRETRAINED of the list, or hf-hub:OWNER/NAME for another
    repository of the hub. Carry the folder over to the machine without network and name it there as
    the encoder; its SHA256SUMS is checked whenever it is loaded.
    """
    from ..encoders.fetching import fetch_encoder

    fetched = fetch_encoder(name, output, pretrained)
    for file, digest in fetched.digests.items():
        size = (fetched.folder / file).stat().st_size
        click.echo(f"{digest}  {file}  ({size:,} bytes)")
    weights = f", weights={fetched.weights!r}" if fetched.weights else ""
    option = f" --weights {fetched.weights}" if fetched.weights else ""
    click.echo(f"In Python: FrozenEncoderTransformer({fetched.encoder!r}{weights})")
    click.echo(f"In commands: --encoder {fetched.encoder}{option}")


def _lines(table):
    """Write each architecture once, its weights below it, and the sources at the end."""
    yield f"{'ENCODER':<36}{'INPUT':>7}{'FEATURES':>9}{'PARAMETERS':>12}{'GFLOP/IMAGE':>13}"
    yield f"  {'PRETRAINED':<34}  {'LICENCE':<13}{'COMMERCIAL':>10}{'DOWNLOAD':>11}  SOURCE"
    figures = ["encoder", "input_size", "embedding_size", "parameters_m", "gflop"]
    sources = {}
    for (name, *sizes), weights in table.groupby(figures, sort=False, dropna=False):
        size, features, parameters, gflop = sizes
        yield ""
        yield (
            f"{name:<36}{_number(size, ' px'):>7}{_number(features):>9}"
            f"{_number(parameters, ' M'):>12}{_number(gflop):>13}"
        )
        for row in weights.itertuples():
            source = (row.licence_source, row.note)
            mark = f"[{sources.setdefault(source, len(sources) + 1)}]" if any(source) else ""
            yield (
                f"  {row.pretrained or '':<34}  {row.licence:<13}{row.commercial_use:>10}"
                f"{_number(row.download_mb, ' MB'):>11}  {mark}"
            ).rstrip()
    yield ""
    yield "COMMERCIAL: whether the licence of the weights allows commercial use. Read it yourself."
    for (source, note), number in sources.items():
        yield f"[{number}] {source or ''}" + (f" ({note})" if note else "")


def _number(value, unit=""):
    """Write a figure with three digits or more, and what is missing as unknown."""
    import pandas as pd

    if pd.isna(value):
        return "unknown"
    return (f"{value:,.0f}" if value == 0 or value >= 100 else f"{value:.3g}") + unit


def _nothing_matches(pattern, commercial):
    from ..encoders.catalogue import list_encoders

    if commercial and len(list_encoders(pattern)):
        return f"No weights of {pattern!r} are known to allow commercial use."
    by_lower_case = {name.lower(): name for name in list_encoders()["encoder"]}
    plain = pattern.lower().strip("*?")
    close = difflib.get_close_matches(plain, by_lower_case, n=5, cutoff=0.5)
    hint = f" Close: {', '.join(by_lower_case[name] for name in close)}." if close else ""
    if "*" not in pattern:
        hint += f" Wildcards help, in quotes: '*{pattern}*'."
    return f"No encoder matches {pattern!r}.{hint}"
