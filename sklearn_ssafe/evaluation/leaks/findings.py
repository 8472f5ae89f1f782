"""What a check has found, and the errand of one that could not run."""

from dataclasses import dataclass, field


class NotRun(Exception):
    """A check does not apply to these pictures; the message says why."""


@dataclass(frozen=True)
class Example:
    """One picture that shows a finding.

    Attributes
    ----------
    row : int
        Position in X, from 0.
    picture : str
        Its path, or what it is.
    label : int
        0 real, 1 generated.
    value : str
        The property, as the check sees it.
    """

    row: int
    picture: str
    label: int
    value: str


@dataclass(frozen=True)
class Kind:
    """Pictures with the same value of a property.

    Attributes
    ----------
    name : str
    n_real, n_generated : int
    """

    name: str
    n_real: int
    n_generated: int


@dataclass(frozen=True)
class Finding:
    """One property that tells the classes apart, or one flaw of the set.

    Attributes
    ----------
    code : str
        Stable name, such as ``"format"``.
    title : str
        The property in words.
    severity : {"leak", "note"}
        ``"leak"``: a detector that sees pixels can use it, or the set cannot show what it should.
        ``"note"``: only a column made of it would carry it into a model, or it limits what may be
        claimed.
    auc : float
        Cross-validated AUC of a trivial predictor that sees only this property; NaN where none is
        defined.
    p_value : float
        Chance of such an AUC among pictures whose labels were shuffled, corrected for the number
        of checks; NaN where the finding is a plain fact.
    n_images : int
        Pictures that the check looked at; for duplicates, pictures that have one.
    kinds : tuple of Kind
        The most frequent values and how often each class has them, at most 12.
    examples : tuple of Example
        At most 6 pictures, of both classes where both show it.
    advice : str
        What to do.
    """

    code: str
    title: str
    severity: str
    auc: float
    p_value: float
    n_images: int
    advice: str
    kinds: tuple = field(default=())
    examples: tuple = field(default=())
