"""``SSAFEClassifier.fit(..., embeddings=)``."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images


@pytest.fixture(scope="module")
def pictures():
    return make_generated_images(24, image_size=48, random_state=0)


@pytest.fixture(scope="module")
def rows(pictures):
    return FrozenEncoderTransformer().fit_transform(pictures.X)


def test_the_detector_is_the_one_that_encodes(pictures, rows):
    origin = {"generator": pictures.generator, "source": pictures.source}
    given = SSAFEClassifier().fit(pictures.X, pictures.y, **origin, embeddings=rows)
    by_itself = SSAFEClassifier().fit(pictures.X, pictures.y, **origin)
    for each in (given, by_itself):
        assert len(each.failures_) == 0
    np.testing.assert_array_equal(given.head_.coef_, by_itself.head_.coef_)
    np.testing.assert_array_equal(given.out_of_fold_.score, by_itself.out_of_fold_.score)
    np.testing.assert_array_equal(
        given.predict_proba(pictures.X), by_itself.predict_proba(pictures.X)
    )


def test_a_picture_without_a_row_is_left_out_and_listed(pictures, rows):
    rows = rows.copy()
    rows[[3, 9]] = np.nan
    detector = SSAFEClassifier(cv=None).fit(pictures.X, pictures.y, embeddings=rows)
    assert detector.n_failures_ == 2
    assert detector.failures_["row"].tolist() == [3, 9]
    assert set(detector.failures_["reason"]) == {"it has no embedding"}
    assert not set(detector.training_indices_) & {3, 9}


def test_what_is_not_the_encoders_is_refused(pictures, rows):
    def fit(embeddings, encoder="efficientnet_lite0"):
        SSAFEClassifier(encoder, cv=None).fit(pictures.X, pictures.y, embeddings=embeddings)

    with pytest.raises(ValueError, match="is not what the encoder makes of"):
        fit(np.roll(rows, 1, axis=0))
    with pytest.raises(ValueError, match="encoder makes 1225"):
        fit(rows, "forensic")
    with pytest.raises(ValueError, match="has 23 rows, and there are 24 pictures"):
        fit(rows[1:])
    with pytest.raises(ValueError, match="no row without NaN"):
        fit(np.full_like(rows, np.nan))
    with pytest.raises(ValueError, match="has to be fitted on the pictures"):
        fit(rows, StandardScaler())
    with pytest.raises(ValueError, match="goes with an encoder"):
        SSAFEClassifier(None).fit(rows, pictures.y, embeddings=rows)


def test_pictures_that_are_gone_cannot_be_compared(pictures, rows, tmp_path):
    encoder = FrozenEncoderTransformer(on_error="nan")
    gone = [str(tmp_path / f"{number}.jpg") for number in range(24)]
    with pytest.raises(ValueError, match="could be"):
        SSAFEClassifier(encoder, cv=None).fit(gone, pictures.y, embeddings=rows)
