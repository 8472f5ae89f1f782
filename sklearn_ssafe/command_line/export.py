"""``ssafe export``: a saved detector as an ONNX file."""

import click

from . import options


@click.command()
@options.detector
@options.output("The ONNX file to write, such as detector.onnx.")
@click.option(
    "--pictures",
    metavar="PATH",
    multiple=True,
    help="Files, folders or tables of pictures to try the file on. May be given several times.",
)
@click.option("--int8", is_flag=True, help="8-bit products; needs --pictures, at least 20.")
@options.weights_here
@options.allow_download
def export(detector, output, pictures, int8, weights, allow_download):
    """Write DETECTOR as one ONNX file: prepared pictures in, scores and features out.

    The file needs ONNX Runtime alone. Threshold, labels, preprocessing and model card are in its
    metadata. It is tried before it is put into place: in float its scores have to be those of
    DETECTOR, and for --int8 the second half of --pictures says what that costs.
    """
    from ..detector.loading import load_detector
    from .inputs import list_inputs

    judge = load_detector(detector, weights=weights, allow_download=allow_download)
    paths = [given.path for given in list_inputs(pictures)] if pictures else None
    parity = judge.export_onnx(output, precision="int8" if int8 else "fp32", pictures=paths)
    click.echo(
        f"Written to {output} in {parity['precision']}. On {parity['pictures']} pictures its "
        f"scores differ by up to {parity['largest_difference']:.2g} (mean "
        f"{parity['mean_difference']:.2g}); {parity['verdicts_changed']} verdicts are others."
    )
