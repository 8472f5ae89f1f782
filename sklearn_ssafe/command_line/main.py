"""``ssafe``: the entry point that gathers the commands."""

import sys
import warnings
from importlib import import_module

import click

from .. import __version__
from ..results import visible

# Each is a module of this folder with a function of the same name.
COMMANDS = (
    "audit",
    "cache",
    "compare",
    "curate",
    "demo",
    "embed",
    "encoders",
    "equalize",
    "evaluate",
    "explain",
    "export",
    "fit",
    "monitor",
    "predict",
    "recalibrate",
)


class _LoadedWhenUsed(click.Group):
    def list_commands(self, context):
        return list(COMMANDS)

    def get_command(self, context, name):
        if name not in COMMANDS:
            return None
        return getattr(import_module(f"{__package__}.{name}"), name)


@click.group(cls=_LoadedWhenUsed, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ssafe")
def ssafe():
    """Detect AI-generated images with frozen vision encoders and linear heads."""


def main():
    """Run ``ssafe``; an expected error is one message, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that cannot be printed ends nothing
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell
            ssafe.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
        click.echo(f"Error: {visible(str(error))}", err=True)
        sys.exit(1)


def _tell(message, *_, **__):
    """Show a warning as a sentence, without the line of code that it comes from."""
    click.echo(f"Warning: {visible(str(message))}", err=True)


if __name__ == "__main__":
    main()
