"""A small service on ONNX Runtime, without torch and without scikit-learn.

    python serve_onnx.py detector.onnx

It listens on this machine alone: curl --data-binary @picture.jpg http://127.0.0.1:8000/judge
"""

import io
import json
import sys

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image, ImageOps

MOST_BYTES, MOST_PIXELS = 20_000_000, 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")  # nothing else is opened


def prepare(content, height, width):
    """Cut the centre at full resolution, as the default encoder does; mirror small pictures."""
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"more than {MOST_PIXELS:,} pixels")
    if image.mode[0] in "IF":
        raise ValueError("more than 8 bits a channel, which Pillow would clip")
    image = ImageOps.exif_transpose(image).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.asarray(image.convert("RGB"))
    short = [max(0, height - pixels.shape[0]), max(0, width - pixels.shape[1])]
    pixels = np.pad(pixels, [(n // 2, n - n // 2) for n in short] + [(0, 0)], mode="reflect")
    top, left = round((pixels.shape[0] - height) / 2), round((pixels.shape[1] - width) / 2)
    return pixels[None, top : top + height, left : left + width]


def open_detector(path):
    """Open an exported detector; return its session, its facts, and height and width it takes."""
    session = onnxruntime.InferenceSession(path)
    facts = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])
    n_views, height, width, _ = facts["preprocessing"]["views"]
    if facts["preprocessing"]["resize_mode"] != "crops" or n_views != 1:
        raise SystemExit("prepare() is for one crop of the centre: write yours for this encoder")
    return session, facts, (height, width)


def make_app(path):
    """Make the service for one exported detector."""
    session, facts, sides = open_detector(path)
    app = FastAPI()

    def judge(content):
        views = prepare(content, *sides)[None]
        score = float(session.run(["score"], {"views": views})[0][0])
        limits = facts["verdicts"]
        verdict = "generated" if score >= limits["generated_from"] else "unsure"
        verdict = "real" if score < limits["real_below"] else verdict
        return {"score": score, "threshold": facts["threshold"], "verdict": verdict}

    @app.post("/judge")
    async def judge_picture(request: Request):
        content = b""
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                raise HTTPException(413, f"more than {MOST_BYTES:,} bytes")
        try:
            return await run_in_threadpool(judge, content)
        except Exception as error:  # whatever a stranger's file brings about
            raise HTTPException(422, f"this picture cannot be read: {error}") from None

    return app


if __name__ == "__main__":
    service = make_app(sys.argv[1])

    import uvicorn

    uvicorn.run(service, host="127.0.0.1", port=8000)
