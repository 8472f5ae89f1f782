"""One property of a file, and whether it tells the classes apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .leak_audit import Example, Finding, Kind, NotRun
from .predictors import KindPredictor, sort_into_kinds

# Fewer pictures than this show nothing.
FEWEST_OF_A_CLASS = 10
_MOST_KINDS_SHOWN = 12
_EXAMPLES_OF_A_CLASS = 3


@dataclass(frozen=True)
class PropertyCheck:
    """A check of one property.

    Attributes
    ----------
    code, title, severity, advice : str
        As of `Finding`.
    value : callable
        Takes `FileFacts`, returns the property, None where it is not known.
    show : callable or None
        For numbers, of which neighbours are alike: writes one in words.
    """

    code: str
    title: str
    severity: str
    advice: str
    value: Callable
    show: Callable | None = None

    def predictor(self, pictures):
        """Sort the pictures into kinds.

        Parameters
        ----------
        pictures : Pictures

        Returns
        -------
        predictor : KindPredictor

        Raises
        ------
        NotRun
            If the property is known for too few pictures of a class.
        """
        values = [self.value(facts) for facts in pictures.facts]
        rows = np.array([row for row, value in enumerate(values) if value is not None], dtype=int)
        need_both_classes(pictures.y[rows])
        code, names = sort_into_kinds([values[row] for row in rows], show=self.show)
        return KindPredictor(rows, code, names)

    def matters(self, pictures, predictor, auc, min_auc):
        """Say whether an association is large enough to report.

        Parameters
        ----------
        pictures : Pictures
        predictor : KindPredictor
            From `predictor`.
        auc, min_auc : float

        Returns
        -------
        matters : bool
            If the AUC is, or if a value that ten pictures or more have gives all of them away.
        """
        return auc >= min_auc or predictor.one_sided(pictures.y).max() >= FEWEST_OF_A_CLASS

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found.

        Parameters
        ----------
        pictures : Pictures
        predictor : KindPredictor
            From `predictor`.
        auc, p_value : float

        Returns
        -------
        finding : Finding
        """
        y, code = pictures.y[predictor.rows], predictor.code
        n_kinds = len(predictor.names)
        generated = np.bincount(code[y == 1], minlength=n_kinds)
        real = np.bincount(code[y == 0], minlength=n_kinds)
        order = np.argsort(-(generated + real), kind="stable")[:_MOST_KINDS_SHOWN]
        excess = generated / generated.sum() - real / real.sum()
        examples = []
        for label, kind in ((0, np.argmin(excess)), (1, np.argmax(excess))):
            for row in predictor.rows[(code == kind) & (y == label)][:_EXAMPLES_OF_A_CLASS]:
                examples.append(example(pictures, row, predictor.names[kind]))
        return Finding(
            code=self.code,
            title=self.title,
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(predictor.rows),
            advice=self.advice,
            kinds=tuple(
                Kind(predictor.names[kind], int(real[kind]), int(generated[kind])) for kind in order
            ),
            examples=tuple(examples),
        )


def example(pictures, row, value):
    """Point to one picture.

    Parameters
    ----------
    pictures : Pictures
    row : int
        Position among the pictures that could be read.
    value : str

    Returns
    -------
    example : Example
    """
    return Example(int(pictures.row[row]), pictures.name[row], int(pictures.y[row]), value)


def need_both_classes(y):
    """Stop a check that has too few pictures of a class to say anything.

    Parameters
    ----------
    y : ndarray of int, shape (n_known,)
        Labels of the pictures for which the property is known.

    Raises
    ------
    NotRun
        If a class has fewer than 10.
    """
    n_real, n_generated = int((y == 0).sum()), int((y == 1).sum())
    if min(n_real, n_generated) < FEWEST_OF_A_CLASS:
        raise NotRun(
            f"known for {n_real} real and {n_generated} generated pictures, and "
            f"{FEWEST_OF_A_CLASS} of each are needed"
        )
