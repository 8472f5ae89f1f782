import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from sklearn_ssafe import FrozenEncoderTransformer, LinearProbe, SSAFEClassifier, load_detector
from sklearn_ssafe.detector.explanation import NoTokensError, occlusion_map
from sklearn_ssafe.detector.overlay import GENERATED_COLOUR, REAL_COLOUR, draw_overlay
from sklearn_ssafe.exceptions import ImageReadError

from ..conftest import encoded, picture
from ..tiny_models import register

# Occlusion -------------------------------------------------------------------------------------


def mean_of_a_corner(pictures):
    return np.array([image[:16, 16:32].mean() for image in pictures])


def test_only_the_region_that_counts_has_an_effect():
    image = np.full((32, 64, 3), 40, dtype=np.uint8)
    image[:16, 16:32] = 240
    heat = occlusion_map(image, mean_of_a_corner, grid=4, fill="mean")
    assert heat.shape == (2, 4)
    expected = np.zeros((2, 4))
    expected[0, 1] = 240 - np.uint8(image.mean())
    np.testing.assert_allclose(heat, expected)


def test_blur_takes_the_detail_and_leaves_the_colour():
    image = np.full((64, 64, 3), 100, dtype=np.uint8)
    checks = np.indices((32, 32)).sum(axis=0) % 2
    image[32:, 32:] += (50 * checks[..., None]).astype(np.uint8)

    def detail(pictures):
        return np.array([np.abs(np.diff(p.astype(int), axis=0)).mean() for p in pictures])

    heat = occlusion_map(image, detail, grid=2)
    assert heat[1, 1] > 5 * np.abs(np.delete(heat.ravel(), 3)).max()

    def colour(pictures):
        return np.array([p.mean() for p in pictures])

    # A fifth of what the mean colour changes, and that only because blur reaches over the edge.
    by_blur, by_mean = (occlusion_map(image, colour, grid=2, fill=f) for f in ("blur", "mean"))
    assert np.abs(by_blur).max() < 0.3 * np.abs(by_mean).max()


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (50, 7, 3)])
def test_pictures_of_any_shape_are_covered_whole(shape):
    image = np.random.default_rng(0).integers(100, 250, shape, dtype=np.uint8)
    seen = np.zeros(shape[:2], dtype=bool)

    def look(pictures):
        for copy in pictures:
            seen[(copy != image).any(axis=2)] = True
        return np.zeros(len(pictures))

    heat = occlusion_map(image, look, grid=5, fill="mean")
    assert heat.shape <= shape[:2]
    # Every pixel but those that have the mean colour.
    same = (image == image.mean(axis=(0, 1)).astype(np.uint8)).all(axis=2)
    np.testing.assert_array_equal(seen, ~same)


def test_the_pictures_in_memory_are_bounded(monkeypatch):
    monkeypatch.setattr("sklearn_ssafe.detector.explanation._MOST_BYTES", 40_000)
    most = []
    image = np.zeros((64, 64, 3), dtype=np.uint8)  # 12 kB
    occlusion_map(image, lambda some: most.append(len(some)) or np.zeros(len(some)), grid=4)
    assert max(most) == 3
    assert sum(most) == 17


# Detectors -------------------------------------------------------------------------------------


class Brightness(torch.nn.Module):
    """Brightness of the left and of the right half, and a constant."""

    def forward(self, pixels):
        half = pixels.shape[3] // 2
        left, right = pixels[..., :half], pixels[..., half:]
        return torch.stack(
            [left.mean((1, 2, 3)), right.mean((1, 2, 3)), left[:, 0, 0, 0] * 0 + 1], 1
        )


def halves(left, right):
    image = np.full((64, 64, 3), left, dtype=np.uint8)
    image[:, 32:] = right
    return image


@pytest.fixture(scope="module")
def detector():
    """Generated is what is bright on the left; the right half does not matter."""
    rng = np.random.default_rng(0)
    left, right = rng.integers(20, 230, (2, 80))
    encoder = FrozenEncoderTransformer(
        Brightness, preprocess={"size": 64, "mean": (0,) * 3, "std": (1,) * 3}, on_error="nan"
    )
    images = [halves(*values) for values in zip(left, right, strict=True)]
    return SSAFEClassifier(encoder, cv=None, keep_training_rows=True).fit(images, left > 128)


def test_the_half_that_decides_is_found(detector):
    explanation = detector.explain(halves(230, 128), fill="mean", grid=4)
    assert explanation.method == "occlusion"
    assert explanation.is_generated
    assert explanation.score == detector.predict_proba([halves(230, 128)])[0, 1]
    effect = np.abs(explanation.heat)
    assert effect[:, :2].min() > 3 * effect[:, 2:].max()
    assert (explanation.heat[:, :2] > 0).all()
    strongest = explanation.frame().iloc[:8]
    assert (strongest["right"] <= 32).all()
    assert explanation.frame()["effect"].tolist() == sorted(
        explanation.heat.ravel(), key=abs, reverse=True
    )


def test_the_nearest_training_pictures(detector):
    image = halves(230, 128)
    nearest = detector.explain(image, grid=1, n_nearest=3).nearest
    kept = detector.training_rows_
    row = detector.encoder_.transform([image])[0]
    similarity = kept.rows @ row / np.linalg.norm(kept.rows, axis=1) / np.linalg.norm(row)
    order = np.argsort(-similarity)[:3]
    np.testing.assert_allclose(nearest["similarity"], similarity[order], rtol=1e-6)
    words = np.where(kept.y[order] == 1, "generated", "real")
    assert nearest["class"].tolist() == words.tolist()
    assert nearest["path"].str.startswith("<uint8 array").all()


def test_a_loaded_detector_explains_the_same(detector, tmp_path):
    again = load_detector(detector.save(tmp_path / "d"), encoder=detector.encoder)
    a, b = (each.explain(halves(230, 10), grid=2) for each in (detector, again))
    np.testing.assert_array_equal(a.heat, b.heat)
    assert a.nearest.equals(b.nearest)


def test_a_picture_that_cannot_be_read(detector, tmp_path):
    with pytest.raises(ImageReadError, match=r"absent\.jpg: no such file"):
        detector.explain("absent.jpg")
    with pytest.raises(ValueError, match="takes embeddings"):
        SSAFEClassifier(encoder=None, cv=None).fit(np.eye(4), [0, 1, 0, 1]).explain("a.jpg")
    with pytest.raises(ValueError, match="must be one of"):
        detector.explain(halves(1, 2), method="guess")


# Tokens ----------------------------------------------------------------------------------------


@pytest.fixture
def token_detector(monkeypatch):
    register(monkeypatch, "tiny-vit")

    def make(head=None, **parameters):
        encoder = FrozenEncoderTransformer(
            "tiny-vit",
            weights="random",
            precision="fp32",
            **{"layers": [1, -1], "pooling": "mean", **parameters},
        )
        images = [picture(seed, size=(40, 50)) for seed in range(20)]
        return SSAFEClassifier(encoder, head=head, cv=None).fit(images, [0, 1] * 10)

    return make


@pytest.mark.parametrize("head", [None, LinearProbe(epochs=5, random_state=0)])
def test_the_terms_of_the_patches_add_up_to_the_log_odds(token_detector, head):
    detector = token_detector(head)
    image = picture(3, size=(40, 50))
    explanation = detector.explain(image)
    assert explanation.method == "tokens"
    assert explanation.heat.shape == (4, 4)  # 32 pixels in patches of 8
    assert explanation.picture.shape == (32, 32, 3)
    by_head = detector.decision_function([image])[0]  # at threshold 0.5, the log-odds
    total = explanation.heat.sum() + detector.head_.intercept_[0]
    assert total == pytest.approx(by_head, rel=1e-4, abs=1e-6)


def test_a_patch_that_is_changed_moves_its_own_token(token_detector):
    # Before the first block a token knows its own patch alone: take the patches of block 0's input
    # by comparing maps, whose largest change is where the pixels changed.
    detector = token_detector(layers=0)
    image = np.full((32, 32, 3), 128, dtype=np.uint8)
    changed = image.copy()
    changed[8:16, 24:32] = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    view = {"view": image, "changed": changed}
    heat = {name: detector.explain(some).heat for name, some in view.items()}
    moved = np.abs(heat["changed"] - heat["view"])
    assert np.unravel_index(moved.argmax(), moved.shape) == (1, 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layers": -1, "pooling": "cls"}, "no means of patch tokens"),
        ({"layers": "final", "pooling": "auto"}, "no means of patch tokens"),
        ({"head": RandomForestClassifier(3, random_state=0)}, "is not linear"),
        ({"preprocess": "crops", "n_views": 2}, "one view"),
    ],
)
def test_where_the_score_is_not_linear_in_tokens(token_detector, parameters, message):
    detector = token_detector(**parameters)
    image = picture(3, size=(40, 50))
    with pytest.raises(NoTokensError, match=message):
        detector.explain(image, method="tokens")
    assert detector.explain(image, grid=2).method == "occlusion"


# The picture -------------------------------------------------------------------------------------


def test_the_overlay_is_orange_where_generated_and_blue_where_real():
    grey = np.full((100, 200, 3), 120, dtype=np.uint8)
    heat = np.array([[2.0, 0.0], [-2.0, 0.1]])
    overlay = draw_overlay(grey, heat, ["a line", "another"])
    assert overlay.mode == "RGB"
    assert overlay.width == 480
    assert overlay.height > 240  # the caption
    pixels = np.asarray(overlay).astype(int)
    corner = {(0, 0): pixels[4, 4], (0, 1): pixels[4, -5], (1, 0): pixels[235, 4]}
    np.testing.assert_allclose(corner[0, 1], 120, atol=2)
    for where, colour in (((0, 0), GENERATED_COLOUR), ((1, 0), REAL_COLOUR)):
        np.testing.assert_allclose(corner[where], 120 * 0.35 + np.array(colour) * 0.65, atol=3)
    # In black and white the signs tell: white strokes, across in both, down in the plus alone.
    white = (pixels[:240] == 255).all(axis=2)
    assert white[60, 100:140].any()
    assert white[45:55, 120].any()
    assert white[180, 100:140].any()
    assert not white[165:175, 120].any()


def test_a_map_without_effects_is_left_grey():
    overlay = draw_overlay(picture(0), np.zeros((2, 2)), [])
    pixels = np.asarray(overlay)[:-16]
    assert (pixels.max(axis=2) == pixels.min(axis=2)).all()


def test_a_notebook_shows_it(detector):
    explanation = detector.explain(encoded(halves(230, 10), "PNG"), grid=2)
    shown = Image.open(io.BytesIO(explanation._repr_png_()))
    assert shown.size == explanation.overlay().size
    assert "generated, score" in repr(explanation)
