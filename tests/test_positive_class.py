import numpy as np
import pytest

from sklearn_ssafe.positive_class import is_generated


@pytest.mark.parametrize("y", [[0, 1, 1], [-1, 1, 1], [False, True, True], [0.0, 1.0, 1.0]])
def test_one_means_generated(y):
    assert is_generated(y).tolist() == [False, True, True]
    assert is_generated(y, pos_label=y[0]).tolist() == [True, False, False]


def test_words_need_to_be_told():
    y = np.array(["real", "fake", "fake"], dtype=object)
    assert is_generated(y, "fake").tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r"\['fake', 'real'\]: say with pos_label"):
        is_generated(y)
    with pytest.raises(ValueError, match="pos_label='ai' is none of the classes"):
        is_generated(y, "ai")


@pytest.mark.parametrize("y", [[1, 1], [0, 1, 2]])
def test_two_classes_are_needed(y):
    with pytest.raises(ValueError, match="must have two classes"):
        is_generated(y)
