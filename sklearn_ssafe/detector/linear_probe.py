"""`LinearProbe`: the paper's head, trained in small batches."""

from numbers import Integral, Real

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..labels import binary_labels
from ..public import DocumentationLink, public
from .linear_layer import read_linear_layer

# Of `fit`, where the number of passes is left open.
_STEPS = 10_000


@public("sklearn_ssafe")
class LinearProbe(DocumentationLink, ClassifierMixin, BaseEstimator):
    """Linear classifier trained with AdamW on binary cross-entropy.

    The head of SSAFE [1]_: the probability of the second class is sigmoid(w·f + b). The paper gives
    the loss, the optimiser, the learning rate and the batch size. What it does not give are
    parameters here, with PyTorch's values as defaults. The weights begin at zero, and the loss is
    convex, so there is nothing to be lucky with.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Step size of AdamW [2]_ (the paper's).
    batch_size : int, default=40
        Rows of one step (the paper's).
    epochs : int or None, default=None
        Passes over the rows in `fit`. The paper does not say how many. None takes exactly 10,000
        steps, the last pass ending where they do. They are 40 passes over the paper's 10,000
        pictures: AdamW moves each weight by about `learning_rate` in a step, and rows of unit
        length need large weights, so small sets need more passes. Look at `loss_curve_`.
    weight_decay : float, default=0.01
        AdamW's, also on the intercept. Not in the paper. 0 is plain Adam, which converges to
        logistic regression without penalty.
    betas : tuple of two floats, default=(0.9, 0.999)
        How slowly AdamW's averages of the gradient and of its square forget.
    epsilon : float, default=1e-08
        Added to AdamW's denominator.
    shuffle : bool, default=True
        Whether `fit` draws the rows in a new order in every pass.
    random_state : int, RandomState instance or None, default=None
        Decides the orders. Give an int for the same classifier at every call.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features)
        Weights w.
    intercept_ : ndarray of shape (1,)
        Bias b.
    n_steps_ : int
        Steps taken so far.
    loss_curve_ : list of float
        Mean loss of each pass, while the weights were changing.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str, shape (n_features,)
        Names of the columns, where X was a table with names.
    origin_ : str
        Name and SHA-256 of the file, where `from_linear_layer` made the probe.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same form, fitted to convergence.

    References
    ----------
    .. [1] Lee et al., "SSAFE: Simple and Strong AI-Generated Image Detection via Frozen Vision
       Encoders", arXiv 2606.08634, 2026.
    .. [2] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe import LinearProbe
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 16))
    >>> y = np.where(X[:, 0] > 0, "generated", "real")
    >>> probe = LinearProbe(random_state=0).fit(X, y)
    >>> probe.score(X, y) > 0.9
    True

    A set that does not fit in memory, chunk by chunk:

    >>> probe = LinearProbe(learning_rate=0.01)
    >>> for _ in range(100):
    ...     for start in range(0, 200, 80):
    ...         rows = slice(start, start + 80)
    ...         probe = probe.partial_fit(X[rows], y[rows], classes=["generated", "real"])
    >>> probe.score(X, y) > 0.9
    True
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's convention)
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "betas": [tuple, list],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        learning_rate=0.001,
        batch_size=40,
        epochs=None,
        weight_decay=0.01,
        betas=(0.9, 0.999),
        epsilon=1e-08,
        shuffle=True,
        random_state=None,
    ):
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.weight_decay = weight_decay
        self.betas = betas
        self.epsilon = epsilon
        self.shuffle = shuffle
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train from zero.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features; a memory map is read a batch at a time.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row's loss counts. A row with 0 is left out; only ratios matter.

        Returns
        -------
        self : LinearProbe
            The classifier itself.
        """
        X, y = self._validated(X, y, reset=True)
        self.classes_, y = binary_labels(y, type(self).__name__)
        weight, order = _weights(sample_weight, X)
        weight = weight / weight[order].mean()
        self._begin(X.shape[1])
        random = check_random_state(self.random_state)
        if self.epochs is not None:
            n_steps = self.epochs * -(-len(order) // self.batch_size)
        else:
            n_steps = _STEPS
        while self.n_steps_ < n_steps:
            if self.shuffle:
                random.shuffle(order)
            self._one_pass(X, y, weight, order[: self.batch_size * (n_steps - self.n_steps_)])
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Go on training, with one pass over these rows in the order they come in.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            A chunk of rows. Both classes should be mixed in it.
        y : array-like of shape (n_samples,)
            Its labels; one class alone is allowed.
        classes : array-like of shape (2,), default=None
            All labels that will ever come. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row's loss counts. A row with 0 is left out.

        Returns
        -------
        self : LinearProbe
            The classifier itself.
        """
        first = not hasattr(self, "coef_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        X, y = self._validated(X, y, reset=first)
        if first:
            self.classes_, _ = binary_labels(np.asarray(classes), type(self).__name__)
            self._begin(X.shape[1])
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes={list(classes)} differ from those of the first call, "
                f"{self.classes_.tolist()}"
            )
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds {unknown.tolist()}, and the classes are {self.classes_.tolist()}"
            )
        weight, order = _weights(sample_weight, X)
        self._one_pass(X, (y == self.classes_[1]).astype(int), weight, order)
        return self

    @classmethod
    def from_linear_layer(cls, file, **parameters):
        """Make a fitted probe of a linear layer that somebody has published.

        Put after the encoder that the layer was trained with, it is that detector: the probability
        of label 1, "generated", is sigmoid(w·f + b). Nothing in the file is executed.

        Parameters
        ----------
        file : str or Path
            A PyTorch file that loads with ``weights_only=True``, or a ``.safetensors`` file, of one
            linear layer's state_dict: a weight of shape (1, n_features) and a bias of shape (1,),
            under any prefix, or two rows, the second for "generated", as for a softmax. Or a
            ``.json`` file ``{"weight": [...], "bias": ...}``.
        **parameters : dict
            Parameters of the probe. They matter where `partial_fit` is to train it further.

        Returns
        -------
        probe : LinearProbe
            Fitted, with ``classes_`` 0 (real) and 1 (generated).

        Raises
        ------
        WeightsNotFoundError
            There is no such file.
        WeightsFileError
            It holds anything else than one linear layer, or could only be read by running code.

        Examples
        --------
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> from sklearn_ssafe import LinearProbe
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "head.json"
        ...     _ = file.write_text(json.dumps({"weight": [1.0, -2.0], "bias": 0.5}))
        ...     probe = LinearProbe.from_linear_layer(file)
        >>> probe.decision_function([[3.0, 1.0]]).tolist()
        [1.5]
        """
        weight, bias, origin = read_linear_layer(file)
        probe = cls(**parameters)
        probe.classes_ = np.array([0, 1])
        probe.n_features_in_ = len(weight)
        probe._begin(len(weight))
        probe.coef_, probe.intercept_ = weight[None].copy(), np.array([bias])
        probe.origin_ = origin
        return probe

    def decision_function(self, X):
        """Return w·f + b, the log-odds of the second class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Above 0 where the second class is the likelier one.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return X @ self.coef_[0] + self.intercept_[0]

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        probability : ndarray of shape (n_samples, 2)
            Columns as in `classes_`.
        """
        decision = self.decision_function(X)
        return np.column_stack([expit(-decision), expit(decision)])

    def predict(self, X):
        """Return the likelier label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of `classes_`.
        """
        second = self.decision_function(X) > 0
        return self.classes_[second.astype(int)]

    def _validated(self, X, y, reset):
        return validate_data(self, X, y, dtype=[np.float64, np.float32], reset=reset)

    def _begin(self, n_features):
        self.coef_ = np.zeros((1, n_features))
        self.intercept_ = np.zeros(1)
        self.n_steps_ = 0
        self.loss_curve_ = []
        # AdamW's averages of the gradient and of its square, for w and, last, b.
        self._mean = np.zeros(n_features + 1)
        self._mean_square = np.zeros(n_features + 1)

    def _one_pass(self, X, y, weight, order):
        loss = 0.0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            loss += self._step(X[rows].astype(np.float64), y[rows], weight[rows])
        if len(order):
            self.loss_curve_.append(loss / weight[order].sum())

    def _step(self, X, y, weight):
        """Take one step of AdamW, and return the summed loss before it."""
        decision = X @ self.coef_[0] + self.intercept_[0]
        error = weight * (expit(decision) - y) / len(y)
        gradient = np.append(error @ X, error.sum())
        self.n_steps_ += 1
        fast, slow = self.betas
        self._mean += (1 - fast) * (gradient - self._mean)
        self._mean_square += (1 - slow) * (gradient**2 - self._mean_square)
        mean = self._mean / (1 - fast**self.n_steps_)
        deviation = np.sqrt(self._mean_square / (1 - slow**self.n_steps_))
        step = self.learning_rate * mean / (deviation + self.epsilon)
        kept = 1 - self.learning_rate * self.weight_decay
        self.coef_ = kept * self.coef_ - step[:-1]
        self.intercept_ = kept * self.intercept_ - step[-1]
        return float((weight * (np.logaddexp(0, decision) - y * decision)).sum())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _weights(sample_weight, X):
    """Return the weight of each row, and the rows that have any."""
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any():
        raise ValueError(f"sample_weight has negative values, the least is {weight.min():g}")
    order = np.flatnonzero(weight)
    if not len(order):
        raise ValueError("sample_weight is 0 for all rows, so there is nothing to train on")
    return weight, order
