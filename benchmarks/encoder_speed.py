"""How fast an encoder is beside towers of open_clip, from files to features.

    python benchmarks/encoder_speed.py
    python benchmarks/encoder_speed.py --encoder NAME --weights FILE --threads 1

Without ``--encoder`` it is the default one and the embedded one. Towers of open_clip have random
weights, which take as long as any. All run in turns within one process, so that ratios hold on a
machine that has other work, too; processor seconds are those of all threads.
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from protocol import DEFAULT, hardware, parser_of

from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoders.precision import has_native_bf16
from sklearn_ssafe.images import read_image


def photograph_files(folder, n_images):
    """Write 1024x768 JPEG files of photographs that scikit-image ships, and return their paths."""
    from skimage import data, transform

    paths = []
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for k in range(n_images):
        picture = transform.resize(np.roll(photographs[k % 4], 37 * k, axis=1), (768, 1024))
        paths.append(Path(folder) / f"{k}.jpg")
        Image.fromarray((255 * picture).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def seconds_for(paths, prepare, encode, batch_size):
    """Seconds from paths to features, and of the processor; reading goes on ahead, in threads."""
    start = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(2) as readers:
        prepared = list(readers.map(prepare, paths[:batch_size]))
        for first in range(0, len(paths), batch_size):
            following = paths[first + batch_size : first + 2 * batch_size]
            ahead = [readers.submit(prepare, path) for path in following]
            encode(prepared)
            prepared = [future.result() for future in ahead]
    return time.perf_counter() - start[0], time.process_time() - start[1]


def vit(name, dtype):
    """Prepare and encode functions of a visual tower of open_clip, random weights."""
    import open_clip

    model, _, preprocess = open_clip.create_model_and_transforms(name)
    tower = model.visual.eval().to(dtype)

    def prepare(path):
        return preprocess(Image.fromarray(read_image(path)))

    @torch.inference_mode()
    def encode(views):
        return tower(torch.stack(views).to(dtype)).float()

    return prepare, encode


def own(name, **settings):
    """Prepare and encode functions of an encoder as this package runs it."""
    encoder = load_encoder(name, device="cpu", **settings)

    def prepare(path):
        return torch.from_numpy(encoder.prepare(read_image(path)))

    def encode(views):
        return encoder.encode(torch.stack(views))

    return prepare, encode


def speed(folder, arguments):
    """Time the encoders in turns and print the median ratios to the first."""
    torch.set_num_threads(arguments.threads)
    print(hardware())
    paths = photograph_files(folder, arguments.images)
    if arguments.encoder:
        name = arguments.encoder
        first = own(name, pretrained=arguments.pretrained, weights=arguments.weights)
        contenders = {name: first, "ViT-B-16 fp32": vit("ViT-B-16", torch.float32)}
    else:
        name = DEFAULT
        contenders = {DEFAULT: own(DEFAULT), "forensic": own("forensic")}
    contenders["ViT-B-32 fp32"] = vit("ViT-B-32", torch.float32)
    if has_native_bf16(torch.device("cpu")):
        contenders["ViT-B-32 bf16"] = vit("ViT-B-32", torch.bfloat16)
    else:
        print("This processor has no bf16 of its own, so precision='auto' is fp32.")
    run = partial(seconds_for, paths, batch_size=8)
    for functions in contenders.values():
        run(*functions)
    times = {contender: [] for contender in contenders}
    for _ in range(arguments.repeats):
        for contender, functions in contenders.items():
            times[contender].append(run(*functions))
    for contender in contenders:
        for which, unit in enumerate(("seconds", "processor seconds")):
            mine, base = ([one[which] for one in times[who]] for who in (contender, name))
            ratios = [a / b for a, b in zip(mine, base, strict=True)]
            print(
                f"{contender}: {statistics.median(mine) / len(paths):.3f} {unit} a picture "
                f"(median); {statistics.median(ratios):.2f} times {name} (from {min(ratios):.2f} "
                f"to {max(ratios):.2f} in {len(mine)} runs in turns)"
            )


def main():
    """Read the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--images", type=int, default=32, help="files in a timed run")
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of each")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    with tempfile.TemporaryDirectory() as folder:
        speed(folder, parser.parse_args())


if __name__ == "__main__":
    main()
