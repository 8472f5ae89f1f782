"""Folds that test on one generator each, together with real sources that training has not seen."""

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import check_consistent_length

from ..positive_class import is_generated
from .folds import numbered


class LeaveOneGeneratorOut(BaseCrossValidator):
    """One fold for each generator, with real sources held out beside it.

    Give one group a picture: its generator or, for a real picture, its source. Every test fold has
    one generator and at least one real source, and its training part has neither. Pictures that
    are near-duplicates, or show one scene, stay in one fold if `keep_together` made the groups;
    generators that it joined are held out together.

    The real sources are dealt to the folds from the largest to the smallest, each to the fold with
    the fewest real pictures. Where there are fewer sources than generators, a source is tested in
    more than one fold, as nearly equally often as can be. The folds are a partition of the
    pictures, as `sklearn.model_selection.cross_val_predict` wants them, if there are enough
    sources.

    Parameters
    ----------
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.

    See Also
    --------
    sklearn_ssafe.GeneratorGroupKFold : Fewer folds, several generators in each.
    sklearn_ssafe.keep_together : Makes one group of several labels.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> groups = ["camera", "phone", "phone", "sdxl", "sdxl", "glide"]
    >>> for train, test in LeaveOneGeneratorOut().split(y, y, groups):
    ...     print(test)
    [1 2 5]
    [0 3 4]

    With `cross_validate`:

    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_validate
    >>> X = [[0]] * 6
    >>> result = cross_validate(
    ...     DummyClassifier(), X, y, groups=groups, cv=LeaveOneGeneratorOut(), scoring="roc_auc"
    ... )
    >>> result["test_score"].tolist()
    [0.5, 0.5]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012  (scikit-learn's convention)

    def __init__(self, pos_label=None):
        self.pos_label = pos_label

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, which is that of the generators.

        Parameters
        ----------
        X : ignored
            For scikit-learn's sake.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        groups : array-like of shape (n_samples,)
            The generator, or the source of a real picture.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return len(self._units(y, groups)[1])

    def _iter_test_masks(self, X=None, y=None, groups=None):
        group, held_out, sources, n_real = self._units(y, groups)
        for with_it in _deal(held_out, sources, n_real):
            yield np.isin(group, with_it)

    def _units(self, y, groups):
        if y is None or groups is None:
            raise ValueError(
                "LeaveOneGeneratorOut needs y and groups: pass groups=..., one label a picture "
                "that names its generator or, for a real picture, its source"
            )
        check_consistent_length(y, groups)
        generated = is_generated(y, self.pos_label)
        group, names = numbered(groups)
        n_generated = np.bincount(group, generated, len(names))
        n_real = np.bincount(group, ~generated, len(names))
        # A scene photographed and generated is held out whole, with whatever it was joined to.
        held_out = np.flatnonzero(n_generated)
        sources = np.flatnonzero(n_generated == 0)
        for found, word in ((n_generated, "generator"), (n_real, "real source")):
            if (n := np.count_nonzero(found)) < 2:
                raise ValueError(
                    f"LeaveOneGeneratorOut needs at least two {word}s, one to train on and one to "
                    f"hold out; groups tell {n} apart. Pictures whose group is None are taken one "
                    "by one, which helps where all come from one place"
                )
        if not len(sources) and (n_real[held_out] == 0).any():
            raise ValueError(
                "LeaveOneGeneratorOut: every real picture shares a group with a generated one, and "
                "some generators have none of them, so there is nothing to test these against"
            )
        return group, held_out, sources, n_real


def _deal(held_out, sources, n_real):
    """Return the groups tested in each fold: one of `held_out`, and sources."""
    folds = [[unit] for unit in held_out]
    held = n_real[held_out].copy()
    by_size = sources[np.argsort(-n_real[sources], kind="stable")]
    for source in by_size:
        fold = int(np.argmin(held))
        folds[fold].append(source)
        held[fold] += n_real[source]
    without = [fold for fold in range(len(folds)) if held[fold] == 0]
    # Every source was dealt once; the folds left take them in turn, so none is used much more.
    for turn, fold in enumerate(without):
        folds[fold].append(by_size[turn % len(by_size)])
    return folds
