"""Tiny models of the structure of published ones, and a hub cache that holds their weights."""

import sys

import huggingface_hub
import numpy as np
import open_clip
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

_TEXT = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
_CLIP = {
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
_HALF = {
    "mean": (0.5,) * 3,
    "std": (0.5,) * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
}
_VIT = {"image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 8}

#: name: (model configuration of open_clip, settings of its tag)
TINY = {
    "tiny-vit": (
        {"embed_dim": 24, "vision_cfg": _VIT, "text_cfg": _TEXT},
        {**_CLIP, "quick_gelu": True},
    ),
    "tiny-pe": (
        {
            "embed_dim": 24,
            "vision_cfg": {
                "image_size": 64,
                "timm_model_name": "tiny_pe",
                "timm_pool": "map",
                "timm_proj": None,
            },
            "text_cfg": _TEXT,
            "custom_text": True,
        },
        {**_HALF, "interpolation": "bilinear"},
    ),
    "tiny-siglip": (
        {
            "embed_dim": 96,
            "init_logit_bias": -10,
            "vision_cfg": {
                "image_size": 160,
                "timm_model_name": "test_vit3",
                "timm_pool": "map",
                "timm_proj": "none",
            },
            "text_cfg": _TEXT,
            "custom_text": True,
        },
        _HALF,
    ),
    "tiny-mobileclip": (
        {
            "embed_dim": 24,
            "vision_cfg": {
                "image_size": 64,
                "timm_model_name": "tiny_fastvit",
                "timm_pool": "avg",
                "timm_proj": None,
            },
            "text_cfg": _TEXT,
            "custom_text": True,
        },
        {**_CLIP, "mean": (0.0,) * 3, "std": (1.0,) * 3, "interpolation": "bilinear"},
    ),
    "tiny-convnext": (
        {
            "embed_dim": 24,
            "vision_cfg": {
                "image_size": 64,
                "timm_model_name": "test_convnext",
                "timm_pool": "",
                "timm_proj": "linear",
            },
            "text_cfg": _TEXT,
        },
        _CLIP,
    ),
    "tiny-resnet": (
        {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16},
            "text_cfg": _TEXT,
        },
        _CLIP,
    ),
    "tiny-coca": (
        {
            "embed_dim": 24,
            "vision_cfg": {
                **_VIT,
                "attentional_pool": True,
                "attn_pooler_heads": 2,
                "output_tokens": True,
            },
            "text_cfg": {**_TEXT, "embed_cls": True, "output_tokens": True},
            "multimodal_cfg": {
                "context_length": 8,
                "vocab_size": 64,
                "width": 24,
                "heads": 2,
                "layers": 1,
                "attn_pooler_heads": 2,
            },
            "custom_text": True,
        },
        _CLIP,
    ),
}


def _tiny_pe(**options):
    create = timm.models.eva.vit_pe_core_base_patch16_224
    return create(img_size=64, embed_dim=64, num_heads=2, depth=4, **options)


def _tiny_fastvit(**options):
    create = timm.models.fastvit.fastvit_mci0
    return create(layers=(1, 1, 1, 1), embed_dims=(16, 32, 64, 64), **options)


def register(monkeypatch, name, tags=("tuned",)):
    """Make open_clip know a tiny model and its tags, and timm what they are built of."""
    entrypoints = timm.models._registry._model_entrypoints
    monkeypatch.setitem(entrypoints, "tiny_pe", _tiny_pe)
    monkeypatch.setitem(entrypoints, "tiny_fastvit", _tiny_fastvit)
    config, settings = TINY[name]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
    published = {tag: {"url": "", "hf_hub": f"someone/{name}-{tag}/", **settings} for tag in tags}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, name, published)


def trained_looking(model, seed=0):
    """Give a model weights that are nowhere zero or one, as training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.add_(noise.abs())
            else:
                tensor.add_(noise * (0.5 / tensor[0].numel() ** 0.5 if tensor.ndim > 1 else 0.1))
    return model.eval()


def create_full_model(name, seed=0):
    """The whole open_clip model, both towers, with the activation of its tag."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.create_model(
            name, force_quick_gelu=TINY[name][1].get("quick_gelu", False), pretrained_text=False
        )
    return trained_looking(model, seed)


def save_safetensors(state, file):
    """Save a state_dict as open_clip and timm do."""
    save_file({key: value.contiguous() for key, value in state.items()}, file)


def use_hub_cache(monkeypatch, folder):
    """Let `huggingface_hub` keep its files in this folder."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    # Older versions hold a copy of the name.
    download = sys.modules["huggingface_hub.file_download"]
    monkeypatch.setattr(download, "HF_HUB_CACHE", str(folder), raising=False)


def put_in_hub_cache(cache, repo, name, state):
    """Lay a weights file where `huggingface_hub` would have put it."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(snapshot.name)
    if name.endswith(".safetensors"):
        save_safetensors(state, snapshot / name)
    else:
        torch.save(state, snapshot / name)
    return snapshot / name


def pictures():
    """Two smooth pictures, wide and tall, as uint8 arrays."""
    rng = np.random.default_rng(3)
    shapes = ((90, 130), (150, 80))
    return [
        np.array(
            Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize(shape[::-1])
        )
        for shape in shapes
    ]


def embed(encoder, images):
    """What the transformer does: prepare each picture, encode the batch."""
    views = torch.from_numpy(np.stack([encoder.prepare(image) for image in images]))
    return encoder.encode(views)


def least_cosine(a, b):
    """The least cosine similarity of two matrices' rows."""
    return torch.nn.functional.cosine_similarity(a.double(), b.double()).min().item()
