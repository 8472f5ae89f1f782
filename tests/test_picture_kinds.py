"""Every public function that takes pictures takes every kind of them, and answers the same."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    SSAFEClassifier,
    audit_leaks,
    compare_detectors,
    cross_val_report,
    equalize,
    evaluation_report,
    robustness_curve,
)
from sklearn_ssafe.images import (
    equalize_image,
    file_properties,
    iter_equalized,
    perturb,
    read_file_facts,
    read_image,
)
from sklearn_ssafe.model_selection import group_near_duplicates

from .conftest import PictureKind, encoded, picture
from .grey_detector import GreyDetector

N = 24
Y = np.arange(N) % 2
GENERATOR = np.where(Y == 1, np.where(np.arange(N) % 4 == 1, "gan", "diffusion"), "")
SOURCE = np.where(Y == 0, np.where(np.arange(N) % 4 == 0, "phone", "camera"), "")
KNOWN = {"generator": GENERATOR, "source": SOURCE}

# What the pixels alone cannot tell: all that the file says of itself.
FILE_FACTS = {
    "format",
    "bit_depth",
    "n_bytes",
    "icc_profile",
    "metadata",
    "camera",
    "has_c2pa",
    "named_generator",
    "source_type",
    "resolution",
}
# Only a path has these; of a row in a Parquet file its name is the path, and no time is known.
PLACE_FACTS = {"path", "modified"}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """PNG files: real ones wider than generated ones; the first again as the third."""
    folder = tmp_path_factory.mktemp("kinds")
    contents = [encoded(picture(k, (64, 64 + 16 * (Y[k] == 0))), "PNG") for k in range(N)]
    contents[2] = contents[0]
    files = [folder / f"{k:02d}.png" for k in range(N)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    parquet.write_table(pa.table({"image": contents}), folder / "pictures.parquet")
    return [str(file) for file in files]


@pytest.fixture(scope="module")
def expected(paths):
    """What a function answers for the files' paths, worked out once."""
    answers = {}

    def answer(function):
        name = function.__name__
        if name not in answers:
            answers[name] = function(PictureKind("str"), paths)
        return answers[name]

    return answer


def transformed(kind, paths):
    return FrozenEncoderTransformer(cache=None).fit_transform(kind(paths[:6]))


def classified(kind, paths):
    detector = SSAFEClassifier("forensic", target_fpr=0.3).fit(kind(paths), Y, **KNOWN)
    return detector.predict_proba(kind(paths)), detector.predict(kind(paths)), detector.threshold_


def explained(kind, paths):
    detector = SSAFEClassifier("forensic", threshold=0.5).fit(kind(paths), Y, **KNOWN)
    explanation = detector.explain(kind.item(paths[5], 5), grid=2)
    return explanation.score, explanation.heat, explanation.picture


def cross_validated(kind, paths):
    pipeline = make_pipeline(FrozenEncoderTransformer("forensic"), LogisticRegression())
    return cross_val_report(pipeline, kind(paths), Y, **KNOWN, n_resamples=20).frame()


def grouped(kind, paths):
    return group_near_duplicates(kind(paths))


def equalized(kind, paths):
    copy = equalize(kind(paths), Y, **KNOWN, size=32)
    return copy.X, copy.y


def equalized_one_by_one(kind, paths):
    return list(iter_equalized(kind(paths), size=32, codec="png"))


def equalized_alone(kind, paths):
    return equalize_image(kind.item(paths[1], 1), size=48)


def read_alone(kind, paths):
    return read_image(kind.item(paths[1], 1))


def perturbed(kind, paths):
    return perturb(kind.item(paths[1], 1), "jpeg", 75), perturb(kind.item(paths[1], 1), "crop", 0.5)


def robustness(kind, paths):
    curve = robustness_curve(
        GreyDetector(), kind(paths), Y, perturbations={"jpeg": [50], "blur": [1]}, n_resamples=20
    )
    return curve.frame(), curve.score, curve.verdict


def curated(kind, paths):
    curator = GeneratorCurator(
        n_generators=1, n_samples=4, encoder=FrozenEncoderTransformer("forensic"), random_state=0
    )
    curator.fit_resample(kind(paths), Y, **KNOWN)
    return curator.selected_generators_


@pytest.mark.parametrize(
    "function",
    [
        transformed,
        classified,
        explained,
        cross_validated,
        grouped,
        equalized,
        equalized_one_by_one,
        equalized_alone,
        read_alone,
        perturbed,
        robustness,
        curated,
    ],
)
def test_the_answer_is_that_for_paths(picture_kind, function, paths, expected):
    same(function(picture_kind, paths), expected(function))


def test_copies_are_found(paths):
    groups = grouped(PictureKind("str"), paths)
    assert groups[0] == groups[2] != ""


def test_facts(picture_kind, paths):
    facts, known = (
        dataclasses.asdict(read_file_facts(kind.item(paths[1], 1)))
        for kind in (picture_kind, PictureKind("str"))
    )
    unknown = PLACE_FACTS if picture_kind.has_file else PLACE_FACTS | FILE_FACTS
    assert {name: facts[name] for name in facts.keys() - unknown} == {
        name: known[name] for name in known.keys() - unknown
    }
    if not picture_kind.has_file:
        assert {facts[name] for name in unknown} == {None}


def test_properties(picture_kind, paths):
    table, known = (file_properties(kind(paths)) for kind in (picture_kind, PictureKind("str")))
    unknown = [] if picture_kind.has_file else ["bytes", "bytes_per_pixel", "format"]
    pd.testing.assert_frame_equal(table.drop(columns=unknown), known.drop(columns=unknown))
    assert known["width"].tolist() == [80.0, 64.0] * (N // 2)
    assert table[unknown].isin([np.nan, ""]).all(axis=None)


def findings(audit, kind):
    """Code, title and AUC of what was found, without what not every kind can tell."""
    unknown = PLACE_FACTS | {"path_number"}
    if not kind.has_file:
        unknown |= {"bytes_per_pixel"}
    return pd.DataFrame(
        [
            (finding.code, finding.auc, finding.p_value, finding.n_images)
            for finding in audit.findings
            if finding.code not in unknown
        ]
    )


def audited(kind, paths):
    return audit_leaks(kind(paths), Y, **KNOWN, n_permutations=99, alpha=0.03)


def test_leaks(picture_kind, paths, expected):
    audit, known = audited(picture_kind, paths), expected(audited)
    same(findings(audit, picture_kind), findings(known, picture_kind))
    assert {finding.code for finding in audit.findings} >= {"dimensions", "exact_duplicates"}


def compared(kind, paths):
    noise = {"noise": np.random.default_rng(0).normal(size=(N, 3))}
    comparison = compare_detectors(kind(paths), Y, **KNOWN, encoders=noise, heads=["linear"], cv=2)
    return comparison.frame().set_index("input")[["auc", "tpr_at_fpr"]]


def test_comparison(picture_kind, paths, expected):
    table = compared(picture_kind, paths)
    same(table, expected(compared))
    assert table["auc"]["file properties"] == 1  # by the width alone


def evaluated(kind, paths):
    return evaluation_report(
        GreyDetector(), kind(paths), Y, **KNOWN, n_resamples=20, robustness={"jpeg": [50]}
    )


def test_evaluation(picture_kind, paths, expected):
    page, known = evaluated(picture_kind, paths), expected(evaluated)
    same(page.report.frame(), known.report.frame())
    facts, known_facts = json.loads(page.to_json()), json.loads(known.to_json())
    for what in ("data", "threshold", "rows", "scores", "roc", "robustness", "failures"):
        assert facts[what] == known_facts[what]
    assert facts["failures"] == []
    found, known_found = (
        {f["code"] for f in page["audit"]["findings"]} for page in (facts, known_facts)
    )
    assert "dimensions" in found & known_found


def same(answer, expected):
    """Assert equality of whatever a function returns."""
    if isinstance(expected, tuple | list):
        assert len(answer) == len(expected)
        for one, other in zip(answer, expected, strict=True):
            same(one, other)
    elif isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(answer, expected)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(answer, expected)
    else:
        assert answer == expected
