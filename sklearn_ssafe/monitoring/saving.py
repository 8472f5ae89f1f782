"""`save` and `load` of a monitor: what goes on from one run to the next."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .recent import Recent
from .reference import Reference
from .state import MonitorFileError, read_state, write_state

_SETTINGS = (
    "false_alarm_rate",
    "n_looks",
    "window",
    "min_pictures",
    "max_reference",
)


class SavedMonitor:
    """The methods `save` and `load`, for `NoveltyMonitor`."""

    def save(self, path):
        """Write the monitor to one file: reference, latest pictures' embeddings, looks. No pickle.

        Embeddings say something of pictures: keep the file as you keep the pictures. Its size is
        that of `max_reference` and `window` rows, plus a line a look.

        Parameters
        ----------
        path : str or Path
            Such as ``"monitor.npz"``. Put in place whole or not at all. A file that another
            process has changed since it was loaded is an error.

        Raises
        ------
        MonitorFileError
            The file was changed meanwhile.
        """
        check_is_fitted(self, "groups_")
        recent, reference = self._recent, self._reference
        arrays = {
            "reference_rows": reference.rows,
            "reference_group": reference.group,
            "reference_half": reference.half,
            "recent_rows": recent.rows,
            "recent_score": recent.score,
            "recent_distance": recent.distance,
            "recent_unsure": recent.unsure,
            "detector_scores": _scores_of_head(self.detector, reference),
        }
        settings = {
            "parameters": {name: getattr(self, name) for name in _SETTINGS},
            "seed": self._seed,
            "groups": self.groups_,
            "margin": self._margin,
            "unsure_reference": self._unsure_reference,
            "recent_path": recent.path.tolist(),
            "looks": self._looks,
            "notes": self.notes_,
            "n_looks": self.n_looks_,
            "n_updates": self._n_updates,
        }
        replaces = self._origin.get(str(path))
        self._origin = {str(path): write_state(path, arrays, settings, replaces=replaces)}

    @classmethod
    def load(cls, path, detector):
        """Go on where a saved monitor was left.

        Parameters
        ----------
        path : str or Path
            The file that `save` wrote.
        detector : SSAFEClassifier
            The detector it was made for.

        Returns
        -------
        monitor : NoveltyMonitor
            Fitted.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        MonitorFileError
            It is damaged, of a newer format, or of another detector.
        """
        arrays, settings, digest = read_state(path)
        monitor = cls(detector)
        monitor._look_at_detector()
        try:
            monitor.set_params(**settings["parameters"])
            monitor.groups_ = [tuple(pair) for pair in settings["groups"]]
            monitor._seed, monitor._margin = settings["seed"], settings["margin"]
            monitor._unsure_reference = settings["unsure_reference"]
            monitor._looks, monitor.notes_ = settings["looks"], settings["notes"]
            monitor.n_looks_, monitor._n_updates = settings["n_looks"], settings["n_updates"]
            rows, group, half = (arrays[f"reference_{name}"] for name in ("rows", "group", "half"))
            recent = (arrays[f"recent_{name}"] for name in ("rows", "score", "distance", "unsure"))
            rows_of_recent, *others = recent
            paths = np.array(settings["recent_path"], dtype=object)
            monitor._recent = Recent(rows_of_recent, paths, *others)
            monitor._reference = reference = Reference(rows, group, monitor.groups_, half)
            scores = arrays["detector_scores"]
            monitor._validate_params()
        except (LookupError, TypeError, ValueError) as error:
            raise MonitorFileError(f"{path} is not complete: {error!r}.") from error
        if rows.shape[1] != getattr(detector, "n_features_of_head_", rows.shape[1]) or (
            np.abs(_scores_of_head(detector, reference) - scores).max() > 1e-6
        ):
            raise MonitorFileError(
                f"{path} is a monitor of another detector: give that one, or begin anew with "
                "another file."
            )
        monitor._set_levels()
        monitor._origin = {str(path): digest}
        return monitor


def _scores_of_head(detector, reference):
    """Score some rows of the reference, to know the detector again."""
    detector = getattr(detector, "estimator", detector)
    return detector.head_.predict_proba(reference.rows[:8].astype(np.float64))[:, 1]
