"""Which pictures a command was given."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import click


class Input(NamedTuple):
    """A picture, or the reason why it is none, and the columns that are judged together with it."""

    path: str
    reason: str = ""
    columns: object = None


def list_rows(arguments, columns):
    """List the pictures of tables, with the columns that a detector needs beside them.

    Parameters
    ----------
    arguments : sequence of str
        Tables with a column ``path`` and these columns. All else is no table, which is its reason.
    columns : list of str
        Their names.

    Returns
    -------
    inputs : list of Input
        In the order of the tables.
    """
    from ..datasets.manifest import manifest_rows
    from ..datasets.table_in import SUFFIXES

    inputs = []
    for argument in arguments:
        path = Path(os.path.expanduser(argument))
        if path.suffix.lower() in SUFFIXES and path.is_file():
            paths, table = manifest_rows(path, columns)
            inputs += [Input(found, columns=table.iloc[[row]]) for row, found in enumerate(paths)]
        else:
            needed = ", ".join(["path", *columns])
            inputs.append(Input(argument, f"this detector judges a table with {needed}"))
    if not inputs:
        raise click.ClickException("There is nothing to do: the table has no rows.")
    return inputs


def as_judged(some):
    """Return what a detector takes: paths, or a table where there are columns."""
    paths = [given.path for given in some]
    if some[0].columns is None:
        return paths
    import pandas as pd

    table = pd.concat([given.columns for given in some], ignore_index=True)
    return table.assign(path=pd.Series(paths, dtype=object))


def list_inputs(arguments, *, may_be_none=False):
    """List the pictures that files, folders, tables and standard input name.

    Parameters
    ----------
    arguments : sequence of str
        A folder stands for the pictures below it, a table for its column ``path``, ``-`` for
        standard input with one path a line; whatever else is a picture, or will be found not to be
        one.
    may_be_none : bool, default=False
        Whether there need not be any, as in an empty table; an error otherwise.

    Returns
    -------
    inputs : list of Input
        With a reason for a folder without pictures.
    """
    from ..datasets.folders import find_pictures
    from ..datasets.manifest import manifest_paths
    from ..datasets.table_in import SUFFIXES

    inputs = []
    for argument in arguments:
        argument = os.path.expanduser(argument)
        path = Path(argument)
        if argument == "-":
            inputs += [Input(line) for line in _lines_of_standard_input()]
        elif path.is_dir():
            try:
                inputs += [Input(found) for found in find_pictures([path])]
            except ValueError:
                inputs.append(Input(argument, "there is no picture in this folder"))
        elif path.suffix.lower() in SUFFIXES and path.is_file():
            inputs += [Input(found) for found in manifest_paths(path)]
        else:
            inputs.append(Input(argument))
    if not inputs and not may_be_none:
        named = ", ".join("standard input" if name == "-" else name for name in arguments)
        raise click.ClickException(f"There is nothing to do: {named} names no picture.")
    return inputs


def _lines_of_standard_input():
    """Return the lines, or what stands between zero bytes, as ``find -print0`` writes it."""
    content = sys.stdin.buffer.read()
    ends = b"\0" if b"\0" in content else b"\n"
    lines = [line.removesuffix(b"\r") if ends == b"\n" else line for line in content.split(ends)]
    return [os.path.expanduser(os.fsdecode(line)) for line in lines if line.strip()]
