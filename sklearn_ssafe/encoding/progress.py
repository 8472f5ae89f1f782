"""How far the work is: a tqdm bar, and scikit-learn's callbacks where it has them."""

import sys

from tqdm import tqdm

try:  # scikit-learn 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method):
        """Return the method as it is: this scikit-learn has no callbacks."""
        return method


# A run shorter than this needs no bar.
_SECONDS_BEFORE_BAR = 2.0


def progress_bar(n_items, description, verbose, n_done=0, unit="img"):
    """Make a bar that counts pictures, or something else."""
    watched = sys.stderr is not None and (sys.stderr.isatty() or _in_notebook())
    return tqdm(
        total=n_items,
        initial=n_done,
        desc=description,
        unit=unit,
        disable=sys.stderr is None or not verbose or (verbose == "auto" and not watched),
        delay=_SECONDS_BEFORE_BAR if verbose == "auto" else 0,
        dynamic_ncols=True,
    )


def _in_notebook():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


class BatchCallbacks:
    """Report every batch to the callbacks set on an estimator."""

    def __init__(self, estimator, n_batches, X, y):
        self._estimator = estimator
        self._fit = None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=n_batches)
            self._fit.call_on_fit_task_begin(estimator=estimator, X=X, y=y)

    def batch_done(self):
        """Tell the callbacks that one more batch is encoded."""
        if self._fit is not None:
            batch = self._fit.subcontext(task_name="batch")
            batch.call_on_fit_task_begin(estimator=self._estimator)
            batch.call_on_fit_task_end(estimator=self._estimator)

    def all_done(self):
        """Tell the callbacks that the fit is complete."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(estimator=self._estimator)
