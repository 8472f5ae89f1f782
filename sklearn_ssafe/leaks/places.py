"""Checks of where and when a file lies: its path, and the time of its last change."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import numpy as np
from scipy.sparse import csr_array

from .leak_audit import Finding, Kind, NotRun
from .predictors import MeanDifferencePredictor
from .property_check import PropertyCheck, need_both_classes

_FEWEST_PICTURES = 4
_N_WORDS = 10
_WORDS_SHOWN = 5
_HEXADECIMAL = re.compile(r"^(?=.*\d)[0-9a-f]{6,}$")

MODIFIED = PropertyCheck(
    code="modified",
    title="time of last change",
    severity="note",
    advice="Make no column of it.",
    value=lambda facts: facts.modified and int(facts.modified),
    show=lambda seconds: datetime.fromtimestamp(seconds).isoformat(" ", "seconds"),
)


@dataclass(frozen=True)
class PathCheck:
    """Whether words in the path tell the classes apart."""

    code: str = "path"
    title: str = "words in the path"
    severity: str = "note"
    advice: str = "Usual where folders are named after the class. Make no column of it."

    def predictor(self, pictures):
        """See each path as the set of its words; arguments as of `PropertyCheck.predictor`."""
        paths = [facts.path for facts in pictures.facts]
        rows = np.array([row for row, path in enumerate(paths) if path is not None], dtype=int)
        need_both_classes(pictures.y[rows])
        words = [words_of_path(paths[row]) for row in rows]
        count = {}
        for word in (word for found in words for word in found):
            count[word] = count.get(word, 0) + 1
        telling = [w for w, n in count.items() if _FEWEST_PICTURES <= n < len(rows)]
        if not telling:
            raise NotRun("no word stands in the paths of some pictures and not of others")
        number = {word: column for column, word in enumerate(telling)}
        cells = [
            (row, number[word]) for row, found in enumerate(words) for word in found & number.keys()
        ]
        ends = tuple(np.array(cells).T)
        shape = (len(rows), len(telling))
        features = csr_array((np.ones(len(cells), dtype=np.float32), ends), shape)
        predictor = MeanDifferencePredictor(rows, features, _N_WORDS)
        predictor.words = telling
        return predictor

    def matters(self, pictures, predictor, auc, min_auc):
        """Say whether the AUC is large enough; arguments as of `PropertyCheck.matters`."""
        return auc >= min_auc

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found; arguments as of `PropertyCheck.finding`."""
        y = pictures.y[predictor.rows]
        present = predictor.features
        generated, real = (np.asarray(present[y == label].sum(axis=0)) for label in (1, 0))
        excess = np.abs(generated / (y == 1).sum() - real / (y == 0).sum())
        order = np.argsort(-excess, kind="stable")[:_WORDS_SHOWN]
        return Finding(
            code=self.code,
            title=self.title,
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(y),
            advice=self.advice,
            kinds=tuple(
                Kind(predictor.words[word], int(real[word]), int(generated[word])) for word in order
            ),
        )


def words_of_path(path):
    """Split a path into words that several pictures may share.

    Parameters
    ----------
    path : str

    Returns
    -------
    words : set of str
        Folders as they are and their words; words of the file name. Figures are written as ``0``,
        fingerprints in hexadecimal digits as ``<hex>``.

    Examples
    --------
    >>> sorted(words_of_path("set/real/IMG_0042.jpg"))
    ['.jpg', '0', 'img', 'real', 'set']
    """
    path = PurePath(path.lower())
    words = {path.suffix, *path.parent.parts}
    for part in (*path.parent.parts, path.stem):
        words.update(re.split(r"[^0-9a-z]+", part))
    words.discard("")
    return {"<hex>" if _HEXADECIMAL.match(word) else re.sub(r"\d+", "0", word) for word in words}


PLACE_CHECKS = [MODIFIED, PathCheck()]
