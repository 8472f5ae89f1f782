"""Which pictures to train on."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "CurationDisplay": "display",
        "GeneratorCurator": "curator",
        "RandomFourierFeatures": "mmd",
        "farthest_points": "clusters",
        "share_out": "clusters",
        "squared_mmd": "mmd",
        "squared_mmd_of_features": "mmd",
    },
)
