"""What a picture is, and what can be known of it and done to it."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "FileFacts": "file_facts",
        "Perturbation": "perturbations.catalogue",
        "Provenance": "provenance",
        "equalize_image": "equalizing",
        "file_properties": "properties",
        "iter_equalized": "equalizing",
        "list_perturbations": "perturbations.catalogue",
        "perturb": "perturbations.catalogue",
        "read_file_facts": "one_picture",
        "read_image": "one_picture",
        "read_provenance": "provenance",
    },
)
