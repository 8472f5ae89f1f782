"""What int8 costs and gains on real CLIP weights: cosine to fp32, and processor time.

    ssafe encoders fetch clip-vit-b-16-int8 -o clip
    python benchmarks/int8_encoder.py --weights clip --data FOLDER --output FILE

The published file holds int8 weights of CLIP's ViT-B/16. They are turned back to floats, with float
products, and that graph is what everything is compared with: the published file, and the graph made
int8 by `export_encoder`'s own way. So what rounding the weights cost when that file was made is not
in the cosines. open_clip's network of the same architecture has random weights, for its time alone.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import open_clip
import pandas as pd
import torch
from onnx import helper, numpy_helper
from protocol import hardware

from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoders.onnx_graph import in_int8
from sklearn_ssafe.images import read_image

ARCHITECTURE = "ViT-B-16"


def with_float_products(model):
    """Replace dynamic int8 products, MatMulInteger - Cast - Mul by the scales, by MatMul."""
    graph = model.graph
    tensors = {each.name: each for each in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    def values(name):
        return numpy_helper.to_array(tensors[name]).astype(np.float32)

    gone, instead = set(), {}
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        (cast,) = users[node.output[0]]
        (scaled,) = users[cast.output[0]]
        scales = made_by[next(name for name in scaled.input if name != cast.output[0])]
        scale = next(name for name in scales.input if name in tensors)
        weights = f"{node.input[1]}_float"
        floats = (values(node.input[1]) - values(node.input[3])) * values(scale)
        graph.initializer.append(numpy_helper.from_array(floats, weights))
        rounded = made_by[node.input[0]]  # DynamicQuantizeLinear
        instead[scaled.output[0]] = helper.make_node(
            "MatMul", [rounded.input[0], weights], list(scaled.output), name=node.name
        )
        gone |= {each.output[0] for each in (node, cast, scales, rounded)}
    nodes = [instead.get(n.output[0], n) for n in graph.node if n.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    return model


def random_network(dtype):
    """Return a function from views to features of open_clip's own network."""
    network = open_clip.create_model(ARCHITECTURE).visual.eval().to(dtype)

    @torch.inference_mode()
    def encode(views):
        pixels = views.flatten(0, 1).permute(0, 3, 1, 2).float().div_(255)
        return network(pixels.to(dtype))

    return encode


def main():
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder with the fetched file")
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--timed", type=int, default=16, help="of them in a timed run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    (published,) = arguments.weights.glob("*.onnx")
    table = pd.read_csv(arguments.data / "manifest.csv")
    column = next(name for name in table if name in ("path", "file"))
    files = table[column].sample(min(arguments.images, len(table)), random_state=0)

    with tempfile.TemporaryDirectory() as name:
        encoders = {"int8, as published": load_encoder("onnx", weights=published, device="cpu")}
        graph = with_float_products(onnx.load(published))
        for how, model in (("fp32", graph), ("int8, as by export_encoder", in_int8(graph))):
            file = Path(name, f"{how.split(',')[0]}.onnx")
            onnx.save(model, file)
            settings = published.with_suffix(".json").read_text()
            file.with_suffix(".json").write_text(settings)
            encoders[f"{how}, ONNX Runtime"] = load_encoder("onnx", weights=file, device="cpu")
        first = encoders["int8, as published"]
        views = [first.prepare(read_image(arguments.data / file)) for file in files]
        views = torch.from_numpy(np.stack(views))
        rows = {how: torch.cat([e.encode(v[None]) for v in views]) for how, e in encoders.items()}
        works = {how: encoder.encode for how, encoder in encoders.items()}
        works["fp32, torch"] = random_network(torch.float32)
        works["bf16, torch"] = random_network(torch.bfloat16)
        seconds = {how: [] for how in works}
        for _ in range(arguments.rounds):
            for how, encode in works.items():
                started = time.process_time()
                for start in range(0, arguments.timed, 8):
                    encode(views[start : min(start + 8, arguments.timed)])
                seconds[how].append((time.process_time() - started) / arguments.timed)

    exact = rows["fp32, ONNX Runtime"]
    figures = {}
    for how, times in seconds.items():
        figures[how] = {"processor_ms_per_image": round(1e3 * float(np.median(times)), 1)}
        if how in rows:
            cosines = torch.nn.functional.cosine_similarity(rows[how], exact)
            figures[how]["mean_cosine"] = round(float(cosines.mean()), 4)
            figures[how]["least_cosine"] = round(float(cosines.min()), 4)
        print(f"{how:42s}", *(f"{what} {value}" for what, value in figures[how].items()))
    if arguments.output:
        about = {"images": len(views), "threads": arguments.threads, "hardware": hardware()}
        arguments.output.write_text(json.dumps({**about, "encoders": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
