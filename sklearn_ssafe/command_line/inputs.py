"""Which pictures a command was given."""

import os
import sys
from pathlib import Path

import click


def list_inputs(arguments):
    """List the pictures that files, folders, tables and standard input name.

    Parameters
    ----------
    arguments : sequence of str
        A folder stands for the pictures below it, a table for its column ``path``, ``-`` for
        standard input with one path a line; whatever else is a picture, or will be found not to be
        one.

    Returns
    -------
    inputs : list of (str, str)
        Path and ``""``, or, for a folder without pictures, the reason why there is no picture.
    """
    from ..datasets.folders import find_pictures
    from ..datasets.manifest import manifest_paths
    from ..datasets.table_in import SUFFIXES

    inputs = []
    for argument in arguments:
        argument = os.path.expanduser(argument)
        path = Path(argument)
        if argument == "-":
            inputs += [(line, "") for line in _lines_of_standard_input()]
        elif path.is_dir():
            try:
                inputs += [(found, "") for found in find_pictures([path])]
            except ValueError:
                inputs.append((argument, "there is no picture in this folder"))
        elif path.suffix.lower() in SUFFIXES and path.is_file():
            inputs += [(found, "") for found in manifest_paths(path)]
        else:
            inputs.append((argument, ""))
    if not inputs:
        named = ", ".join("standard input" if name == "-" else name for name in arguments)
        raise click.ClickException(f"There is nothing to do: {named} names no picture.")
    return inputs


def _lines_of_standard_input():
    """Return the lines, or what stands between zero bytes, as ``find -print0`` writes it."""
    content = sys.stdin.buffer.read()
    ends = b"\0" if b"\0" in content else b"\n"
    lines = [line.removesuffix(b"\r") if ends == b"\n" else line for line in content.split(ends)]
    return [os.path.expanduser(os.fsdecode(line)) for line in lines if line.strip()]
