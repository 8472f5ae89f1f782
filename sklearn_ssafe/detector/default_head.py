"""What a detector is made of where its user says nothing: the head that fits the encoder.

The one rule for the scale of rows: a head gets what the encoder gives. `FrozenEncoderTransformer`
scales embeddings to unit length and leaves measurements as they are. So a detector is the same
whether it encodes pictures itself or is handed their rows.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..encoders.names import FORENSIC


def default_head(encoder):
    """Return an unfitted head for rows of this `FrozenEncoderTransformer`, or of any (None)."""
    if getattr(encoder, "encoder", None) == FORENSIC:
        # Columns in different units; both settings were chosen on development pictures.
        head = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000)
        return make_pipeline(StandardScaler(), head)
    return LogisticRegression(class_weight="balanced", max_iter=1000)


def scaled_to_unit_length(rows):
    """Scale rows as detectors did that were saved in the first format, whatever the encoder."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.maximum(lengths, np.finfo(rows.dtype).tiny)
