"""A CSV file of verdicts that grows as they come, and goes on where it was left."""

import csv
import io
import os
import sys

import click

COLUMNS = ["path", "score", "verdict", "error"]


class VerdictFile:
    """Rows of path, score, verdict and error.

    Parameters
    ----------
    path : Path or None
        The file; None is standard output.
    overwrite : bool
        Whether to begin anew where there is a file.

    Attributes
    ----------
    done : list of dict
        Rows that were there before.
    """

    def __init__(self, path, overwrite):
        self.done = []
        self._file = None
        if path is None:
            self._file = sys.stdout
        else:
            if path.exists() and path.stat().st_size and not overwrite:
                self.done = _read(path)
            mode = "a" if self.done else "w"
            self._file = path.open(mode, encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        if not self.done:
            self._writer.writeheader()
            self._file.flush()
        self._closes = path is not None

    def __enter__(self):
        return self

    def write(self, rows):
        """Add rows, and hand them to the system at once.

        Parameters
        ----------
        rows : list of dict
        """
        self._writer.writerows(rows)
        self._file.flush()

    def __exit__(self, *_):
        if self._closes:
            self._file.close()


def _read(path):
    """Return the whole rows of a file, and cut off a row that was being written."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    rows = list(csv.reader(io.StringIO(whole.decode("utf-8", "replace"), newline="")))
    if not rows or rows[0] != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise click.UsageError(
            f"{path} exists and holds no verdicts of ssafe predict: choose another --output, or "
            "add --overwrite."
        )
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]
