"""browse_verdicts: a page of all pictures that a detector has judged."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..images.inputs import as_pictures
from ..labels import as_name
from ..public import public
from .browsing import picture_table
from .page import render_verdicts
from .picture_page import PicturePage
from .pictures import picture_names


@public("sklearn_ssafe.evaluation_page")
def browse_verdicts(
    pictures,
    score,
    verdict,
    *,
    reason=None,
    threshold=None,
    title="Verdicts of a detector",
    show_paths=True,
):
    """Make a page on which to look through judged pictures, by score, verdict and name.

    Parameters
    ----------
    pictures : array-like of shape (n_samples,)
        What was judged: paths, or whatever else a detector takes.
    score : array-like of float, shape (n_samples,)
        Scores; higher is more like a generated picture. NaN where there is none.
    verdict : array-like of str, shape (n_samples,)
        ``"real"``, ``"generated"`` or another word; ``""``, None or NaN where a picture could not
        be judged.
    reason : dict of int to str, or None, default=None
        Why a row could not be judged.
    threshold : float or None, default=None
        From which score on pictures were called generated, to be told on the page.
    title : str, default="Verdicts of a detector"
        The heading.
    show_paths : bool, default=True
        Whether paths are told, without the folders that all pictures share.

    Returns
    -------
    page : VerdictPage
        A notebook shows it; ``page.save("verdicts.html")`` writes it.

    Raises
    ------
    ValueError
        Lengths differ, or scores have several columns, as those of ``predict_proba``: take one.

    See Also
    --------
    sklearn_ssafe.evaluation_report : Where it is known which pictures are generated.

    Examples
    --------
    >>> from sklearn_ssafe.evaluation_page import browse_verdicts
    >>> page = browse_verdicts(["a.jpg", "b.jpg"], [0.9, 0.2], ["generated", "real"])
    >>> page.frame()
      picture  score    verdict
    0   a.jpg    0.9  generated
    1   b.jpg    0.2       real
    """
    items = as_pictures(pictures)
    score = np.asarray(column_or_1d(score, input_name="score"), dtype=float)
    verdict = np.asarray(
        [as_name(each) for each in column_or_1d(verdict, input_name="verdict")], str
    )
    check_consistent_length(items, score, verdict)
    names = picture_names(items, show_paths)
    table = picture_table(names, score=score, verdict=verdict, reason=reason)
    return VerdictPage(table, title, threshold, [picture.item for picture in items])


@public("sklearn_ssafe.evaluation_page")
@dataclass(repr=False)
class VerdictPage(PicturePage):
    """Judged pictures to look through. Made by `browse_verdicts`.

    Attributes
    ----------
    table : dict
        One list a column; verdicts as places in ``verdicts``.
    title : str
        The heading.
    threshold : float or None
        From which score on pictures were called generated.
    pictures : list
        The pictures as they were given, one a row.

    See Also
    --------
    browse_verdicts : Makes it.
    """

    table: dict
    title: str
    threshold: float | None = None
    pictures: list = field(default_factory=list)

    _kind = "Verdicts"

    def _render(self, folder=None, without=()):
        return render_verdicts(
            self.table,
            title=self.title,
            threshold=self.threshold,
            folder=folder,
            without=without,
        )

    @property
    def _picture_table(self):
        return self.table

    def frame(self):
        """Return the rows as a table.

        Returns
        -------
        table : pandas.DataFrame
            Columns picture, score and verdict.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "picture": self.table["picture"],
                "score": pd.Series(self.table["score"], dtype=float),
                "verdict": [self.table["verdicts"][place] for place in self.table["verdict"]],
            }
        )

    def to_dict(self):
        """Return the rows in plain types.

        Returns
        -------
        table : dict
            As ``table``.
        """
        return self.table

    def __repr__(self):
        return f"{self.title}\n{self.frame()!r}"
