"""What `test_resume` stops: ``python -m ... ADDRESS FOLDER``, an encoding with checkpoints."""

import logging
import sys
import time
from pathlib import Path

import numpy as np

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.distributed import encode_dataset


def transformer(log, seconds):
    """Return one whose preparation takes its time and writes down each picture, by its width.

    Functions within a function travel to other processes by value.
    """

    def prepare(image):
        with open(log, "a") as file:
            file.write(f"{image.width}\n")
        time.sleep(seconds)
        return np.asarray(image.resize((8, 8)), dtype=np.uint8)

    def build():
        import torch

        return torch.nn.Flatten()

    return FrozenEncoderTransformer(build, preprocess=prepare, cache=None, num_workers=1)


def main(address, folder):
    """Encode the rows of in.parquet that are not in the folder ``out``."""
    import ray
    import ray.data
    from ray.data.checkpoint import CheckpointConfig

    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.checkpoint_config = CheckpointConfig(
        id_column="row",
        checkpoint_path=str(folder / "checkpoints"),
        delete_checkpoint_on_success=False,
    )
    ds = ray.data.read_parquet(str(folder / "in.parquet"))
    ds = encode_dataset(ds, transformer(folder / "met", 0.2), column="jpeg", batch_size=4)
    ds.drop_columns(["jpeg"]).write_parquet(str(folder / "out"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
