"""Paths as arguments of commands."""

import os

import click


class PathType(click.Path):
    """A path in which ``~`` is the home folder, as no shell has it in ``--cache=~/x``."""

    def convert(self, value, param, ctx):
        """Return the path as `click.Path` does."""
        return super().convert(os.path.expanduser(value), param, ctx)


class NewFile(PathType):
    """A file to write: its folder has to be there before any work is done."""

    def convert(self, value, param, ctx):
        """Return the path as `click.Path` does."""
        path = super().convert(value, param, ctx)
        folder = os.path.dirname(path) or "."
        if str(path) != "-" and not os.path.isdir(folder):
            self.fail(f"there is no folder {folder}", param, ctx)
        return path
