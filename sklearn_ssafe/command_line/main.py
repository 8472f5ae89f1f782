"""``ssafe``: the entry point that gathers the commands."""

import sys

import click

from .. import __version__
from .audit import audit, equalize
from .cache import cache
from .compare import compare
from .curate import curate
from .demo import demo
from .embed import embed
from .encoders import encoders
from .evaluate import evaluate
from .explain import explain
from .fit import fit
from .predict import predict


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ssafe")
def ssafe():
    """Detect AI-generated images with frozen vision encoders and linear heads."""


ssafe.add_command(audit)
ssafe.add_command(cache)
ssafe.add_command(compare)
ssafe.add_command(curate)
ssafe.add_command(demo)
ssafe.add_command(embed)
ssafe.add_command(encoders)
ssafe.add_command(equalize)
ssafe.add_command(evaluate)
ssafe.add_command(explain)
ssafe.add_command(fit)
ssafe.add_command(predict)


def main():
    """Run ``ssafe``; an expected error is one message, not a traceback."""
    try:
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
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
