"""What the columns of the forensic encoder mean, in words."""

import re

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from sklearn_ssafe.encoders import ForensicEncoder, describe_features


@pytest.fixture(scope="module")
def table():
    return describe_features()


def test_every_column_has_a_label_of_its_own_and_a_meaning(table):
    encoder = ForensicEncoder()
    assert table["column"].tolist() == encoder.feature_names.tolist()
    assert table["family"].tolist() == encoder.feature_families.tolist()
    assert table["label"].is_unique
    assert table["label"].str.len().max() <= 80
    assert table["meaning"].str.fullmatch(r"[A-Z].{15,}\.").all()


def test_labels_and_meanings_hold_no_shorthand(table):
    for text in [*table["label"], *table["meaning"]]:
        assert not re.search(r"_|\b(?:srm|cooc|npr|lbp|dct|luma|rgb|px|std|dx\d|u\d)\b", text), text
        assert "{" not in text


@pytest.mark.parametrize(
    ("column", "label", "words"),
    [
        ("srm_half_scale_square3x3_residual_log_std", "strength of 3x3 residuals (half size)",
         "standard deviation"),
        ("cross_colour_second_order_cooc_rgb_2_1_0",
         "red green blue 2 1 0 in second differences", "at one place"),
        ("spectrum_peak_1/4_vertical", "vertical peak at 1/4 cycles per pixel", "surroundings"),
        ("dct_half_scale_8x8_u3_v5_log_mean_abs", "8x8 waves 3 down and 5 across",
         "vertical frequency 3 and horizontal frequency 5"),
        ("noise_level_brightness_032_to_064", "noise at brightness 32 to 64", "grows with light"),
        ("wavelet_luma_scale3_horizontal_parent_magnitude_correlation",
         "horizontal and coarser detail of brightness go together at scale 3", "coarser scale"),
        ("lbp_luma_00001111_share", "ring pattern 00001111", "read round the pixel"),
        ("colour_luma_share_032_to_063", "share of brightness 32 to 63", "of 255"),
    ],
)  # fmt: skip
def test_what_the_documentation_quotes(table, column, label, words):
    (row,) = table[table["column"] == column].itertuples()
    assert row.label == label
    assert words in row.meaning


def test_lightgbm_takes_the_labels_as_names(table):
    X = np.random.default_rng(0).normal(size=(60, len(table)))
    y = X[:, 3] > 0

    model = LGBMClassifier(n_estimators=2, min_child_samples=5, n_jobs=1, verbose=-1)
    model.fit(pd.DataFrame(X, columns=table["label"]), y)
    assert model.n_features_in_ == len(table)
