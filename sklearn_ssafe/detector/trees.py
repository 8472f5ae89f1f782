"""Whether the trees of a loaded head lead down and nowhere else.

scikit-learn's compiled code follows the numbers in them without looking. In a file that somebody
has made so, they could lead out of memory, which ends the process, or in a circle.
"""

import numpy as np
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.tree import BaseDecisionTree

_NO_CHILD = -1


def check_trees(*heads):
    """Raise ValueError where a tree in one of these estimators is none."""
    todo, seen = list(heads), set()
    while todo:
        part = todo.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | None):
            continue
        seen.add(id(part))
        for kind, check in _CHECKS.items():
            if isinstance(part, kind):
                check(part)
        if isinstance(part, dict):
            todo += part.values()
        elif isinstance(part, list | tuple | set):
            todo += part
        elif isinstance(part, np.ndarray):
            todo += part.ravel().tolist() if part.dtype == object else []
        elif hasattr(part, "__dict__"):
            todo += vars(part).values()


def _of_decision_tree(estimator):
    tree = getattr(estimator, "tree_", None)
    if tree is None:
        return
    _require(0 < tree.node_count <= tree.capacity)
    nodes = tree.__getstate__()["nodes"]
    _require(tree.n_features == estimator.n_features_in_)
    inner = nodes["left_child"] != _NO_CHILD
    _check_nodes(
        nodes["left_child"], nodes["right_child"], nodes["feature"], inner, tree.n_features
    )


def _of_ensemble(estimator):
    for tree in np.ravel(np.array(getattr(estimator, "estimators_", []), dtype=object)):
        _require(tree.n_features_in_ == estimator.n_features_in_)


def _of_histograms(estimator):
    if not hasattr(estimator, "_predictors"):
        return
    is_categorical = np.asarray(estimator._bin_mapper.is_categorical_, dtype=bool)
    _require(len(is_categorical) == estimator.n_features_in_)
    for predictors in estimator._predictors:
        for predictor in predictors:
            nodes = predictor.nodes
            inner = nodes["is_leaf"] == 0
            names = ("left", "right", "feature_idx")
            left, right, feature = (nodes[name].astype(np.int64) for name in names)
            _check_nodes(left, right, feature, inner, len(is_categorical))
            by_words = inner & (nodes["is_categorical"] != 0)
            _require(is_categorical[feature[by_words]].all())
            for bits in (predictor.raw_left_cat_bitsets, predictor.binned_left_cat_bitsets):
                _require(bits.ndim == 2 and bits.shape[1] == 8 and bits.dtype == np.uint32)
                _require((nodes["bitset_idx"][by_words] < len(bits)).all())


def _check_nodes(left, right, feature, inner, n_features):
    """Children come after their parents, and ask for columns that there are."""
    number = np.arange(len(left))
    for child in (left[inner], right[inner]):
        _require((child > number[inner]).all() and (child < len(left)).all())
    _require(((feature[inner] >= 0) & (feature[inner] < n_features)).all())


def _of_kd_tree(tree):
    data, order, nodes, bounds, leaf_size, n_levels, n_nodes, *_ = tree.__getstate__()
    _require(data.ndim == 2 and np.isfinite(data).all() and leaf_size >= 1 and 1 <= n_levels < 40)
    _require(n_nodes == len(nodes) == 2**n_levels - 1)
    _require(bounds.shape == (2, n_nodes, data.shape[1]))
    _require(np.array_equal(np.sort(order), np.arange(len(data))))
    start, end = nodes["idx_start"], nodes["idx_end"]
    _require(((start >= 0) & (start <= end) & (end <= len(data))).all())
    _require((nodes["is_leaf"][n_nodes // 2 :] != 0).all())


def _of_neighbours(estimator):
    if not hasattr(estimator, "_fit_X"):
        return
    y, n_rows = np.asarray(estimator._y), estimator._fit_X.shape[0]
    _require(y.shape[:1] == (n_rows,) and estimator.n_samples_fit_ == n_rows)
    _require(y.ndim == 1 and ((y >= 0) & (y < len(estimator.classes_))).all())
    tree = getattr(estimator, "_tree", None)
    if tree is not None:
        _require(np.asarray(tree.data).shape == estimator._fit_X.shape)


def _require(holds):
    if not holds:
        raise ValueError("one of its trees leads nowhere")


_CHECKS = {
    BaseDecisionTree: _of_decision_tree,
    BaseForest: _of_ensemble,
    BaseGradientBoosting: _of_ensemble,
    BaseHistGradientBoosting: _of_histograms,
    KDTree: _of_kd_tree,
    KNeighborsClassifier: _of_neighbours,
}
