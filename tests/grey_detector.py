"""A detector whose scores a test chooses: a picture's score is its grey value."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_ssafe.encoding.failures import failures_table
from sklearn_ssafe.exceptions import EncodingError, ImageReadError
from sklearn_ssafe.images.inputs import as_pictures

from .conftest import encoded


class GreyDetector(ClassifierMixin, BaseEstimator):
    """Calls bright pictures generated. It can be asked, and never fitted."""

    classes_ = np.array([0, 1])

    def fit(self, X, y=None):
        raise AssertionError("nothing may be fitted on test data")

    def predict_proba(self, X):
        reasons, score = {}, []
        for row, image in enumerate(as_pictures(X)):
            try:
                score.append(image.read().mean() / 255)
            except ImageReadError as error:
                reasons[row] = str(error)
        if reasons:
            raise EncodingError("bad", failures_table(as_pictures(X), reasons))
        return np.column_stack([1 - np.array(score), score])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


def grey_picture(value):
    """A PNG file that `GreyDetector` scores as ``value / 255``."""
    return encoded(np.full((24, 32, 3), value, dtype=np.uint8), "PNG")


def grey_files(folder, names, n_each=12, seed=0):
    """Write pictures; `names` maps a generator or source to (label, darkest, brightest)."""
    rng = np.random.default_rng(seed)
    paths, y, name, value = [], [], [], []
    for number, (each, (label, darkest, brightest)) in enumerate(names.items()):
        for grey in rng.integers(darkest, brightest, n_each):
            path = folder / f"set_{number}" / f"picture_{len(paths)}.png"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(grey_picture(grey))
            paths.append(str(path))
            y.append(label)
            name.append(each)
            value.append(grey / 255)
    y, name = np.array(y), np.array(name, dtype=object)
    labels = {"generator": np.where(y == 1, name, ""), "source": np.where(y == 0, name, "")}
    return paths, y, labels, np.array(value)
