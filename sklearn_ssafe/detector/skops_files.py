"""Estimators as bytes by skops: no pickle, and no code but that of libraries named here."""

import io
import json
import zipfile

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from ..public import homes
from .folder import DetectorFileError
from .trees import check_trees

# Beyond what skops trusts itself: parts of scikit-learn's, LightGBM's and XGBoost's classifiers.
_PARTS_OF_CLASSIFIERS = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
_MOST_BYTES_OF_SPARSE = 2**28
_HOMES = homes()
TRUSTED = frozenset(_PARTS_OF_CLASSIFIERS).union(f"{home}.{name}" for name, home in _HOMES.items())


def dump_estimators(estimators):
    """Return estimators as bytes, and the types in them that would have to be trusted."""
    try:
        content = skops.io.dumps(estimators)
        untrusted = sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED)
        # What was written may still be impossible to read, such as a lambda.
        skops.io.loads(content, trusted=[*TRUSTED, *untrusted])
    except Exception as error:  # skops meets whatever the parts of an estimator may raise
        names = ", ".join(repr(part) for part in estimators.values() if part is not None)
        raise TypeError(
            f"this cannot be saved without pickle: {names} ({type(error).__name__}: {error}). "
            "Nothing was written, and the detector is as it was. Functions of notebooks and "
            "lambdas cannot be saved: put them in a module, or take a class."
        ) from error
    return content, untrusted


def load_estimators(content, trusted=()):
    """Turn bytes into estimators, building only types that are trusted."""
    try:
        content = _by_public_names(_not_larger_than_it_is(content))
        estimators = skops.io.loads(content, trusted=[*TRUSTED, *trusted])
        if not isinstance(estimators, dict) or set(estimators) != {"head", "curator", "head_"}:
            raise ValueError("it does not hold head, curator and head_")
        check_trees(estimators)
        return estimators
    except UntrustedTypesFoundException as error:
        untrusted = sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED - set(trusted))
        raise DetectorFileError(
            f"the detector holds types that are not trusted: {', '.join(untrusted)}. Loading them "
            "could run their code. If you know them, and who saved the detector, name them: "
            f"load_detector(path, trusted={untrusted})"
        ) from error
    except ImportError as error:
        raise DetectorFileError(
            f"the detector needs a library that is not installed here: {error}"
        ) from error
    except Exception as error:  # another version of a library may raise anything
        raise DetectorFileError(
            f"the head cannot be loaded here: {type(error).__name__}: {error}. It may need the "
            "versions that the detector's README.md lists."
        ) from error


def _not_larger_than_it_is(content):
    """Refuse an archive that would unpack to more than its own size, before anything is read.

    skops compresses nothing but the sparse arrays within it, whose sizes are looked at as well.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or sum(member.file_size for member in members) > len(content):
            raise ValueError("it is compressed, or says that it is larger than it is")
        if len({member.filename for member in members}) != len(members):
            raise ValueError("two of its parts have one name")
        for member in members:
            if member.filename.endswith(".npz"):
                with archive.open(member) as file, zipfile.ZipFile(file) as sparse:
                    n_bytes = sum(part.file_size for part in sparse.infolist())
                if n_bytes > _MOST_BYTES_OF_SPARSE:
                    raise ValueError(f"{member.filename} would take {n_bytes / 1e6:,.0f} MB")
    return content


def _by_public_names(content):
    """Give our own types their public names, where a file knows the module they once were in."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    schema = json.loads(members["schema.json"], object_hook=_with_its_home)
    members["schema.json"] = json.dumps(schema).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name, member in members.items():
            new.writestr(name, member)
    return file.getvalue()


def _with_its_home(node):
    for place, name in (("__module__", "__class__"), ("module_path", "function")):
        if str(node.get(place)).startswith("sklearn_ssafe.") and node.get(name) in _HOMES:
            node = {**node, place: _HOMES[node[name]]}
    return node
