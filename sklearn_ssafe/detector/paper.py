"""The configuration that the paper describes."""

from ..curation.curator import GeneratorCurator
from ..encoding.transformer import FrozenEncoderTransformer
from .linear_probe import LinearProbe


class PaperConfiguration:
    """`paper`, for `SSAFEClassifier`."""

    @classmethod
    def paper(cls, *, weights=None, **parameters):
        """Return the paper's configuration, as far as it is known.

        PE-Core-bigG-14-448 with the weights that Meta published, embeddings of unit length, 8
        generators and 10,000 pictures chosen by their embeddings, AdamW on binary cross-entropy,
        threshold 0.5. What the paper leaves open has the defaults of `GeneratorCurator` and
        `LinearProbe`. The encoder has 1.9 billion parameters: its weights have to be in reach, and
        a GPU should be. `fit` needs `generator`.

        Parameters
        ----------
        weights : str, Path or None, default=None
            File or folder with the encoder's weights. None takes the hub, or its cache.
        **parameters : dict
            Parameters that are to differ.

        Returns
        -------
        detector : SSAFEClassifier
            Not fitted.

        Raises
        ------
        ValueError
            For weights beside an encoder of one's own.

        Examples
        --------
        >>> from sklearn_ssafe import SSAFEClassifier
        >>> SSAFEClassifier.paper().encoder.encoder
        'PE-Core-bigG-14-448'
        """
        if weights is not None and "encoder" in parameters:
            raise ValueError("weights= is for the paper's encoder: give yours its own.")
        encoder = FrozenEncoderTransformer(
            "PE-Core-bigG-14-448", pretrained="meta", weights=weights
        )
        configuration = {
            "encoder": encoder,
            "curator": GeneratorCurator(n_generators=8, n_samples=10_000, random_state=0),
            "head": LinearProbe(random_state=0),
            "threshold": 0.5,
        }
        return cls(**{**configuration, **parameters})
