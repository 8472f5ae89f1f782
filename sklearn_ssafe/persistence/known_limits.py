"""What no detector of generated pictures can be trusted with, as the literature has it."""

A_SCORE_IS_NO_PROOF = (
    "A score says how much a picture looks like the generated ones of the training set. It is no "
    "proof."
)

KNOWN_LIMITS = (
    (
        "New generators and new sources",
        "The figures are the ones to expect of generators and cameras like these. Others can be "
        "far worse.",
    ),
    (
        "Recapture",
        "A generated picture photographed from a screen, or printed and scanned, may lose its "
        "traces. A real one gains traces of the screen.",
    ),
    (
        "Heavy compression and messengers",
        "Strong JPEG, resizing and blur hide traces. Probes on PE-Core call 24.9 to 32.1 % of real "
        "pictures from social media generated (arXiv 2602.01738).",
    ),
    (
        "Local edits",
        "A photograph with a small generated part is mostly a photograph.",
    ),
    (
        "Reconstruction",
        "A photograph that went through the autoencoder of a diffusion model has its traces, "
        "though nothing in it was invented.",
    ),
    (
        "Rates are no probabilities of guilt",
        "Where few pictures are generated, most of those accused are real even at a low "
        "false-positive rate.",
    ),
)
"""Heading and text, for cards and reports."""
