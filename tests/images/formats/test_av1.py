"""AV1 data: what may make looking at them long."""

import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images.formats.av1 import frame_size


def test_data_in_more_pieces_than_a_picture_has_are_refused():
    unit = b"\x12\0"  # a temporal delimiter, empty
    assert frame_size(1000 * unit) == (0, 0)
    with pytest.raises(ImageReadError, match="too many pieces"):
        frame_size(500_000 * unit)
