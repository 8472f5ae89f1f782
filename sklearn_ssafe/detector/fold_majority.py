"""`FoldMajority`: the heads of a cross-validation as one head."""

import numpy as np

from ..metrics.thresholds import majority_score
from ..public import public


@public("sklearn_ssafe.detector")
class FoldMajority:
    """The heads of all folds as one: its score reaches a threshold where those of most heads do.

    What ``SSAFEClassifier(target_fpr=...)`` has as ``head_``. Its threshold was chosen from scores
    that these very heads gave to pictures they had not seen, so the promise is about them. A head
    trained on all pictures would give other scores, the more so the more features there are.

    Parameters
    ----------
    heads : list of classifier
        Fitted on the labels 0 and 1.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        0 (real) and 1 (generated).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ssafe.detector import FoldMajority
    >>> X, y = np.arange(8.0)[:, None], np.repeat([0, 1], 4)
    >>> heads = [LogisticRegression(C=c).fit(X, y) for c in (0.1, 1, 10)]
    >>> FoldMajority(heads).predict_proba([[6.0]]).round(2).tolist()
    [[0.05, 0.95]]
    >>> [head.predict_proba([[6.0]])[0, 1].round(2).item() for head in heads]
    [0.74, 0.95, 1.0]
    """

    def __init__(self, heads):
        self.heads = heads

    @property
    def classes_(self):
        """The labels."""
        return np.array([0, 1])

    def predict_proba(self, X):
        """Return the probability of each label: that of the head in the middle.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        probability : ndarray of shape (n_samples, 2)
            Of an even number of heads, the lower of the two in the middle for "generated".
        """
        score = majority_score([head.predict_proba(X)[:, 1] for head in self.heads])
        return np.column_stack([1 - score, score])

    def deciding_head(self, row):
        """Return the head whose probability is that of the majority.

        Parameters
        ----------
        row : array-like of shape (n_features,)
            Features of one picture.

        Returns
        -------
        head : classifier
            One of `heads`.
        """
        scores = [head.predict_proba([row])[0, 1] for head in self.heads]
        return self.heads[scores.index(majority_score(scores))]

    def __repr__(self):
        return f"FoldMajority of {len(self.heads)} times {self.heads[0]!r}"
