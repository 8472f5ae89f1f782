"""A CSV file of verdicts that grows as they come, and goes on where it was left."""

import csv
import io
import os
import sys
from pathlib import Path

import click

from ..datasets.table_out import (
    BYTE_ORDER_MARK,
    csv_line,
    name_cell,
    name_of_cell,
    path_cell,
    path_of_cell,
)
from ..results import visible

COLUMNS = ["path", "score", "threshold", "verdict", "error"]
# What --provenance adds.
WITH_PROVENANCE = [*COLUMNS, "provenance"]


class VerdictFile:
    """Rows of path, score, threshold, verdict and error, and of provenance where asked for.

    Parameters
    ----------
    path : Path or None
        The file; None is standard output.
    overwrite : bool
        Whether to begin anew where there is a file.
    provenance : bool or None
        Whether there is a column for it; None takes the file as it is.

    Attributes
    ----------
    columns : list of str
        Of the file.
    done : list of dict
        Rows that were there before, their paths as this process finds them.
    cells : list of str
        The paths of these rows as they are written.
    """

    def __init__(self, path, overwrite, provenance=None):
        self.done, self.cells = [], []
        self.columns = WITH_PROVENANCE if provenance else COLUMNS
        self._folder = Path() if path is None else path.parent
        if path is None:
            self._file = None
            sys.stdout.write(csv_line(self.columns))
            return
        if path.is_file() and not overwrite:  # of a pipe or device there is nothing to read
            self._read(path, provenance)
        self._file = path.open("ab" if self.done else "wb")
        if not self.done:
            self._write(self._heading())

    def __enter__(self):
        return self

    def cell(self, path):
        """Write a path as it stands in the file: if relative, from the folder of the file."""
        return path_cell(path, self._folder, keep_absolute=True)

    def write(self, rows):
        """Add rows, and hand them to the system at once.

        Parameters
        ----------
        rows : list of dict
        """
        lines = "".join(
            csv_line([self.cell(row["path"]), *(name_cell(row[name]) for name in self.columns[1:])])
            for row in rows
        )
        if self._file is None:
            sys.stdout.write(visible(lines) if sys.stdout.isatty() else lines)
            sys.stdout.flush()
        else:
            self._write(lines.encode())

    def _write(self, content):
        self._file.write(content)
        self._file.flush()

    def __exit__(self, *_):
        if self._file is not None:
            self._file.close()

    def _heading(self):
        return (BYTE_ORDER_MARK + csv_line(self.columns)).encode()

    def _read(self, path, provenance):
        """Take over the whole rows, and cut off one that was being written."""
        content = path.read_bytes()
        if self._heading().startswith(content):  # stopped before the first row
            return
        whole = _whole_rows(content)
        text = whole.decode("utf-8-sig", "replace")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        heading = rows[0] if rows else []
        if heading not in (COLUMNS, WITH_PROVENANCE) or any(
            len(row) != len(heading) for row in rows
        ):
            raise click.UsageError(
                f"{path} exists and holds no verdicts of ssafe predict: choose another --output, "
                "or add --overwrite."
            )
        if provenance is not None and heading != self.columns:
            without = "without" if provenance else "with"
            raise click.UsageError(
                f"{path} was begun {without} --provenance: go on so, choose another --output, or "
                "add --overwrite."
            )
        self.columns = heading
        if len(whole) < len(content):
            os.truncate(path, len(whole))
        self.cells = [row[0] for row in rows[1:]]
        self.done = [dict(zip(self.columns, row, strict=True)) for row in rows[1:]]
        for row in self.done:
            row["path"] = path_of_cell(row["path"], self._folder)
            row["error"] = name_of_cell(row["error"])


def _whole_rows(content):
    """Return the rows that were written to their end: a name in quotes may hold line ends."""
    end = n_quotes = start = 0
    while (line_end := content.find(b"\n", start) + 1) > 0:
        n_quotes += content.count(b'"', start, line_end)
        start = line_end
        if n_quotes % 2 == 0:
            end = line_end
    return content[:end]
