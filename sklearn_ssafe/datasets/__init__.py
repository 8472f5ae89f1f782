"""Pictures with labels, made or loaded."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "list_benchmarks": "benchmarks.load",
        "load_benchmark": "benchmarks.load",
        "load_image_folder": "folders",
        "load_images": "loading",
        "load_manifest": "manifest",
        "make_generated_images": "generated",
    },
)
