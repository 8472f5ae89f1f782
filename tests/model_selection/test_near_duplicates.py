"""Copies share a label, other pictures have none."""

import io

import numpy as np
from PIL import Image

from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.labels import keep_together
from sklearn_ssafe.model_selection import group_near_duplicates


def test_copies_share_a_label_whatever_was_done_to_them(tmp_path):
    pictures = make_generated_images(n_samples=12, image_size=160, random_state=0).X
    pixels = Image.open(io.BytesIO(pictures[3]))
    pixels.resize((120, 120)).save(tmp_path / "smaller.png")
    pixels.save(tmp_path / "again.jpg", quality=60)
    (tmp_path / "broken.jpg").write_bytes(pictures[0][:200])
    X = [tmp_path / "smaller.png", *pictures, tmp_path / "again.jpg", pictures[7]]
    X += [tmp_path / "broken.jpg", np.asarray(Image.open(io.BytesIO(pictures[7])))]
    groups = group_near_duplicates(X)
    expected = np.full(17, "", dtype=object)
    expected[[0, 4, 13]] = "copies of row 0"
    expected[[8, 14, 16]] = "copies of row 8"
    assert groups.tolist() == expected.tolist()
    together = keep_together([f"source {row}" for row in range(17)], groups)
    assert len(set(together)) == 13


def test_no_picture_can_be_read():
    assert group_near_duplicates(["absent.jpg", b""]).tolist() == ["", ""]
