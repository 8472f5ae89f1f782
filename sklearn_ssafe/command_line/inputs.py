"""Which pictures a command was given."""

import os
import sys
from pathlib import Path


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
            lines = sys.stdin.buffer.read().splitlines()
            inputs += [(os.fsdecode(line), "") for line in lines if line.strip()]
        elif path.is_dir():
            try:
                inputs += [(found, "") for found in find_pictures([path])]
            except ValueError:
                inputs.append((argument, "there is no picture in this folder"))
        elif path.suffix.lower() in SUFFIXES and path.is_file():
            inputs += [(found, "") for found in manifest_paths(path)]
        else:
            inputs.append((argument, ""))
    return inputs
