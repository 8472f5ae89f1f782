"""Paths as arguments of commands."""

import os

import click


class PathType(click.Path):
    """A path in which ``~`` is the home folder, as no shell has it in ``--cache=~/x``."""

    def convert(self, value, param, ctx):
        """Return the path as `click.Path` does."""
        return super().convert(os.path.expanduser(value), param, ctx)
