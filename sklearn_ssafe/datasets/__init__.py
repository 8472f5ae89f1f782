"""Labelled pictures: made on the spot, or read from a table or from folders."""

from importlib import import_module

_HOMES = {
    "list_benchmarks": "benchmarks.load",
    "load_benchmark": "benchmarks.load",
    "load_image_folder": "folders",
    "load_images": "loading",
    "load_manifest": "manifest",
    "make_generated_images": "generated",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))
