import numpy as np
import pytest

from sklearn_ssafe.labels import is_generated


@pytest.mark.parametrize("y", [[0, 1, 1], [-1, 1, 1], [False, True, True], [1.0, 2.0, 2.0]])
def test_the_larger_number_means_generated(y):
    assert is_generated(y).tolist() == [False, True, True]
    assert is_generated(y, pos_label=y[0]).tolist() == [True, False, False]


@pytest.mark.parametrize("words", [("real", "fake"), ("Photo", "midjourney"), ("camera", "AI")])
def test_words_that_are_known(words):
    assert is_generated(words).tolist() == [False, True]
    assert is_generated(np.array(words, dtype=object), words[0]).tolist() == [True, False]


@pytest.mark.parametrize("y", [["one", "two"], ["fake", "generated"]])
def test_what_nobody_can_know_needs_to_be_told(y):
    with pytest.raises(ValueError, match="means generated"):
        is_generated(y)
    assert is_generated(y, y[0]).tolist() == [True, False]
    with pytest.raises(ValueError, match="pos_label='ai' is none of the labels"):
        is_generated(y, "ai")


@pytest.mark.parametrize("y", [[1, 1], [0, 1, 2]])
def test_two_classes_are_needed(y):
    with pytest.raises(ValueError, match="must have two classes"):
        is_generated(y)
