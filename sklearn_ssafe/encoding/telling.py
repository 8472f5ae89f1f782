"""Where a warning of bad pictures points, and how a search gives one of them instead of dozens.

Python itself tells a warning once a line, but not here: scikit-learn sets the filters anew around
each task, which empties its registry. A registry of our own that knew no searches would be silent
when the same pictures are encoded again. So the frames say which loop is running.
"""

import sys
import threading
import warnings
import weakref

from .failures import EncodingWarning, failures_message

_LIBRARIES = {"sklearn", "sklearn_ssafe", "joblib", "imblearn", "threading", "concurrent"}
_lock = threading.Lock()


class _Told:
    """What has been told in one loop over folds, and what a fit within it still holds back."""

    def __init__(self):
        self.files = set()
        self.held_back = set()
        self.fold = None

    def is_of(self, fold):
        """Whether what is held back is of this fold, and not of one that has failed since."""
        return self.fold is not None and self.fold() is fold


_by_loop = weakref.WeakKeyDictionary()
_by_search = weakref.WeakKeyDictionary()
_in_this_worker = _Told()


def tell_failures(table, n_items, labels, fitting):
    """Warn of failures in the user's own line; within a loop over folds, once for each picture.

    `labels` are the rows as the user calls them, or None where rows count from 0 in `table`. What
    fails while a fold is fitted is told with what fails while it is tested.
    """
    level, loop, search, fold = _look_up()
    if fold is None and loop is None:
        told = _by_search.pop(search, None) if search is not None else None
        new = set(table["path"]) - (told.files if told else set())
        if new:
            text = failures_message(table, n_items, labels)
            _warn(f"{text}\nTheir rows are NaN; failures_ lists them.", level)
        return
    with _lock:
        told = _in_this_worker if loop is None else _by_loop.setdefault(loop, _Told())
        if search is not None:
            _by_search[search] = told
        found = set(zip(table["path"], table["reason"], strict=True))
        if fitting and fold is not None and (not told.held_back or told.is_of(fold)):
            told.held_back |= found
            told.fold = weakref.ref(fold)
            return
        new = sorted(each for each in told.held_back | found if each[0] not in told.files)
        told.files |= {path for path, _ in new}
        told.held_back = set()
    if new:
        listed = "".join(f"\n  {path}: {reason}" for path, reason in new)
        _warn(
            f"{len(new)} pictures could not be encoded:{listed}\nTheir rows are NaN. They are "
            "named once for all folds.",
            level,
        )


def _warn(message, level):
    warnings.warn(message, EncodingWarning, stacklevel=level + 2)


def _look_up():
    """Return the level of the user's line, and the loop, the search and the fold it runs."""
    level, frame = 0, sys._getframe(1)
    loop = search = fold = None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in _LIBRARIES:
            break
        if frame.f_code.co_name == "_fit_and_score":
            fold = frame.f_locals.get("estimator")  # a clone of this fold's own
        elif module.startswith(("joblib.parallel", "sklearn.model_selection._search")):
            owner = frame.f_locals.get("self")
            if type(owner).__name__ == "Parallel":
                loop = owner
            elif hasattr(owner, "refit"):
                search = owner
        frame, level = frame.f_back, level + 1
    return level, loop, search, fold
