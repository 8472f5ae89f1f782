"""Each feature family against an independent computation with NumPy and SciPy."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import fft, ndimage, stats

from sklearn_ssafe.encoders.forensic import (
    block_dct,
    colour,
    colour_cooccurrence,
    correlation,
    filters,
    noise,
    residual_cooccurrence,
    residual_histogram,
    spectrum,
    texture,
    upsampling,
    wavelet,
)
from sklearn_ssafe.encoders.forensic.planes import Planes

SIZE = 256


@pytest.fixture(scope="module")
def picture():
    """A noisy picture with structure, one crop."""
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(0, 400, (SIZE, SIZE, 3)), (4, 4, 0))
    noisy = 120 + smooth + rng.normal(0, 3, smooth.shape) + rng.normal(0, 2, (SIZE, SIZE, 1))
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def planes(picture):
    """The picture as the families see it."""
    return Planes(torch.from_numpy(picture)[None, None])


@pytest.fixture(scope="module")
def luma(picture):
    """Luma as Pillow converts it."""
    return np.asarray(Image.fromarray(picture).convert("L")).astype(int)


@pytest.fixture(scope="module")
def half_luma(luma):
    """Means of 2x2 pixels, halves rounded up."""
    blocks = luma.reshape(SIZE // 2, 2, SIZE // 2, 2).mean((1, 3))
    return np.floor(blocks + 0.5).astype(int)


def values(family, planes):
    """Column name to value."""
    return dict(zip(family.names(), family.compute(planes)[0].tolist(), strict=True))


KERNELS = {
    "first_order": [[-1, 1]],
    "second_order": [[1, -2, 1]],
    "third_order": [[-1, 3, -3, 1]],
    "square_3x3": [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]],
    "edge_3x3": [[-1, 2, -1], [2, -4, 2]],
    "square_5x5": [
        [-1, 2, -2, 2, -1],
        [2, -6, 8, -6, 2],
        [-2, 8, -12, 8, -2],
        [2, -6, 8, -6, 2],
        [-1, 2, -2, 2, -1],
    ],
}


def residual(pixels, kernel):
    """Valid part of a correlation with a published kernel."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, np.shape(kernel))
    return np.einsum("ijkl,kl->ij", windows, np.array(kernel))


def digits(pixels, kernel, step):
    """Quantised and truncated residual."""
    return np.clip(np.rint((residual(pixels, kernel) / step).astype(np.float32)), -2, 2).astype(int)


@pytest.mark.parametrize("name", KERNELS)
def test_filters_are_the_published_kernels(planes, luma, name):
    ours = getattr(filters, name)(planes.luma)[0, 0].numpy()
    expected = residual(luma, KERNELS[name])
    assert np.array_equal(ours, expected) or np.array_equal(ours, -expected)
    scipy_full = ndimage.correlate(luma, np.array(KERNELS[name]))
    rows, columns = np.shape(KERNELS[name])
    top, left = rows // 2, columns // 2
    valid = scipy_full[top : top + expected.shape[0], left : left + expected.shape[1]]
    np.testing.assert_array_equal(expected, valid)


def test_luma_is_pillows(planes, luma):
    np.testing.assert_array_equal(planes.luma[0, 0].numpy(), luma)


def test_half_scales_are_block_means(planes, picture, half_luma):
    np.testing.assert_array_equal(planes.half_luma[0, 0].numpy(), half_luma)
    rgb = picture.astype(float).reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean((1, 3))
    differences = planes.half_colour_differences[0, 0].numpy()
    np.testing.assert_allclose(differences[0], rgb[..., 0] - rgb[..., 1])
    np.testing.assert_allclose(differences[1], rgb[..., 2] - rgb[..., 1])


def hand_counted(arrays, triple):
    """Share of row triples equal to `triple` up to sign and direction."""
    counts = Counter()
    for array in arrays:
        counts.update(
            zip(*(array[:, k : array.shape[1] - 2 + k].ravel() for k in range(3)), strict=True)
        )
    negative = tuple(-value for value in triple)
    variants = {triple, negative, triple[::-1], negative[::-1]}
    return sum(counts[variant] for variant in variants) / counts.total(), len(variants)


@pytest.mark.parametrize("triple", [(0, 0, 0), (2, 0, -1), (1, 0, 0), (2, 2, 2)])
def test_cooccurrences_are_those_counted_by_hand(planes, half_luma, triple):
    columns = values(residual_cooccurrence, planes)
    rows = digits(half_luma, KERNELS["second_order"], 2)
    turned = digits(half_luma.T, KERNELS["second_order"], 2)
    text = "_".join(map(str, triple))
    for direction, arrays in {"along": [rows, turned], "across": [rows.T, turned.T]}.items():
        share, n_variants = hand_counted(arrays, triple)
        expected = 10 * (np.sqrt(share) - np.sqrt(n_variants / 125))
        name = f"srm_half_scale_second_order_cooc_{direction}_{text}"
        assert columns[name] == pytest.approx(expected, abs=1e-4)


def test_cross_colour_cooccurrence_is_that_counted_by_hand(planes, picture):
    red, green, blue = (
        digits(picture[..., c].astype(int), KERNELS["square_3x3"], 4) for c in range(3)
    )
    same = (red == 2) & (green == 1) & (blue == 0)
    opposite = (red == -2) & (green == -1) & (blue == 0)
    expected = 10 * (np.sqrt((same | opposite).mean()) - np.sqrt(2 / 125))
    columns = values(colour_cooccurrence, planes)
    assert columns["cross_colour_square3x3_cooc_rgb_2_1_0"] == pytest.approx(expected, abs=1e-4)


def test_colour_difference_cooccurrence_is_that_counted_by_hand(planes, picture):
    rgb = picture.astype(int)
    sums = rgb.reshape(SIZE // 2, 2, SIZE // 2, 2, 3).sum((1, 3))
    quantised = digits(sums[..., 0] - sums[..., 1], KERNELS["square_3x3"], 8)
    share, n_variants = hand_counted([quantised, quantised.T], (1, 0, -1))
    expected = 10 * (np.sqrt(share) - np.sqrt(n_variants / 125))
    columns = values(colour_cooccurrence, planes)
    assert columns["red_minus_green_square3x3_cooc_1_0_-1"] == pytest.approx(expected, abs=1e-4)


def test_residual_moments_are_scipys(planes, half_luma):
    columns = values(residual_histogram, planes)
    r = residual(half_luma, KERNELS["square_5x5"]) / 12
    power = (r**2).mean() + 1 / 12
    name = "srm_half_scale_square5x5_residual_"
    assert columns[name + "log_std"] == pytest.approx(np.log(power) / 2, abs=1e-4)
    shape = np.abs(r).mean() / np.sqrt(power)
    assert columns[name + "mean_abs_over_std"] == pytest.approx(4 * (shape - 0.6), abs=1e-4)
    centred = stats.kurtosis(r - r.mean(), axis=None, fisher=False)
    assert columns[name + "log_kurtosis"] == pytest.approx(np.log(centred) - 2, abs=0.1)
    assert columns[name + "zero_share"] == pytest.approx(2 * (r == 0).mean() - 0.5, abs=1e-4)


def test_block_dct_is_scipys(planes, half_luma):
    ours = block_dct.block_coefficients(planes.half_luma.float())[0].numpy()
    inside = half_luma[2:122, 2:122]
    blocks = inside.reshape(15, 8, 15, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    expected = fft.dctn(blocks, axes=(1, 2), norm="ortho").reshape(-1, 64)
    np.testing.assert_allclose(ours, expected, atol=2e-3)
    columns = values(block_dct, planes)
    log_scale = np.log(np.abs(expected[:, 1:]).mean(0) + 0.05)
    got = columns["dct_half_scale_8x8_u3_v5_log_mean_abs"]
    assert got == pytest.approx(log_scale[8 * 3 + 5 - 1] - log_scale.mean(), abs=1e-3)
    digits = [
        int(f"{abs(value):e}"[0])
        for u in range(8)
        for v in range(8)
        if 1 <= u + v <= 3
        for value in expected[:, 8 * u + v]
        if abs(value) >= 1
    ]
    share = digits.count(1) / len(digits)
    assert columns["dct_half_scale_8x8_first_digit_low_1"] == pytest.approx(
        10 * (share - np.log10(2)), abs=0.02
    )


def test_spectrum_is_numpys(planes, luma):
    window = np.outer(np.hanning(SIZE + 1)[:-1], np.hanning(SIZE + 1)[:-1])
    transformed = np.fft.fft2((luma - luma.mean()) * window)
    power = np.abs(transformed) ** 2 / (window**2).sum() + spectrum.FLOOR
    down, across = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE), indexing="ij")
    radius = np.hypot(down, across)
    # The encoder looks at the half plane that a real transform keeps.
    half = np.arange(SIZE)[None, :] <= SIZE // 2

    def ring(low, high):
        return np.log(power[(radius >= low) & (radius < high) & half & (radius > 0)]).mean()

    edges = np.arange(spectrum.N_RADIAL + 1) / (2 * spectrum.N_RADIAL)
    centres = (edges[1:] + edges[:-1]) / 2
    rings = np.array([ring(a, b) for a, b in pairwise(edges)])
    middle = (centres > 0.05) & (centres < 0.40)
    columns = values(spectrum, planes)
    got = [columns[name] for name in spectrum.names()[: spectrum.N_RADIAL]]
    log_centres = np.log(centres)
    expected = rings - rings[middle].mean() + 2 * (log_centres - log_centres[middle].mean())
    np.testing.assert_allclose(got, expected, atol=2e-3)
    slope = np.polyfit(log_centres[middle], rings[middle], 1)[0]
    assert columns["spectrum_slope"] == pytest.approx(slope + 2, abs=2e-3)


def test_a_wave_of_a_quarter_cycle_shows_as_a_peak():
    rng = np.random.default_rng(0)
    grey = rng.normal(128, 5, (SIZE, SIZE)) + 5 * np.cos(np.pi / 2 * np.arange(SIZE))
    picture = grey.clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2)
    columns = values(spectrum, Planes(torch.from_numpy(picture)[None, None]))
    peaks = {name: value for name, value in columns.items() if "peak" in name}
    assert max(peaks, key=peaks.get) == "spectrum_peak_1/4_horizontal"


def test_upsampling_contrasts_are_numpys(planes, luma):
    columns = values(upsampling, planes)
    first = np.abs(np.diff(luma, axis=1))
    inside, border = first[:, ::2].mean(), first[:, 1::2].mean()
    expected = 5 * np.log((border + upsampling.FLOOR) / (inside + upsampling.FLOOR))
    got = columns["npr_first_difference_period_2_contrast_horizontal"]
    assert got == pytest.approx(expected, abs=1e-3)
    equal = (np.diff(luma, axis=0) == 0).mean()
    assert columns["npr_equal_share_vertical"] == pytest.approx(2 * equal, abs=1e-5)
    below = np.abs(luma[1::2, ::2] - luma[::2, ::2]).mean()
    right = np.abs(luma[::2, 1::2] - luma[::2, ::2]).mean()
    expected = 2 * np.log((below + upsampling.FLOOR) / (right + upsampling.FLOOR))
    assert columns["npr_2x2_below"] == pytest.approx(expected, abs=1e-3)


def test_autocorrelation_is_that_of_the_circular_residual(luma):
    kernel = np.array(KERNELS["square_3x3"]) / 4
    power = np.abs(np.fft.rfft2(luma - luma.mean(), norm="ortho")) ** 2
    ours = correlation.autocorrelation(torch.from_numpy(power).float()[None])[0].numpy()
    filtered = ndimage.correlate(luma - luma.mean(), kernel, mode="wrap")
    for dy, dx in ((0, 1), (2, 0), (3, 5)):
        shifted = np.roll(filtered, (-dy, -dx), (0, 1))
        expected = (filtered * shifted).mean() / (filtered**2).mean()
        # The floor adds a white noise of a tenth of a grey level squared.
        assert ours[dy, dx] == pytest.approx(expected, abs=0.01)


def test_colour_residual_correlation_is_numpys(planes, picture):
    r = [residual(picture[..., c].astype(int), KERNELS["square_3x3"]).ravel() / 4 for c in range(3)]
    columns = values(correlation, planes)
    plain = np.corrcoef(r[0], r[1])[0, 1]
    got = columns["colour_residual_correlation_red_green"]
    assert got == pytest.approx(np.arctanh(plain) - 1.5, abs=0.02)
    ratio = 2 * np.log(np.square(r[0]).mean() / np.square(r[2]).mean())
    assert columns["colour_residual_log_ratio_red_blue"] == pytest.approx(ratio, abs=0.02)


def test_noise_percentiles_are_numpys(planes, luma):
    squared = residual(luma, KERNELS["square_3x3"]).astype(float) ** 2 / 36
    n = squared.shape[0] // 8
    power = squared[: 8 * n, : 8 * n].reshape(n, 8, n, 8).mean((1, 3))
    log_std = np.sort(np.log(power + noise.FLOOR).ravel() / 2)
    median = log_std[round((log_std.size - 1) / 2)]
    columns = values(noise, planes)
    assert columns["noise_log_std_median"] == pytest.approx(median, abs=1e-3)
    low = log_std[round((log_std.size - 1) * 0.1)]
    assert columns["noise_log_std_percentile_10"] == pytest.approx(low - median, abs=1e-3)


def test_noise_that_grows_with_light_is_seen():
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 220, SIZE)[None, :].repeat(SIZE, 0)
    results = []
    for strength in (np.full_like(ramp, 4), ramp / 30):
        grey = (ramp + rng.normal(0, 1, ramp.shape) * strength).clip(0, 255).astype(np.uint8)
        crops = torch.from_numpy(grey[..., None].repeat(3, 2))[None, None]
        results.append(values(noise, Planes(crops))["noise_brightness_correlation"])
    assert abs(results[0]) < 0.3 and results[1] > 1


def test_haar_keeps_energy_and_moments_are_numpys(planes, luma, half_luma):
    mean, details = wavelet.haar(planes.luma_float)
    energy = sum(band.double().square().sum() for band in (mean, *details)).item()
    assert energy == pytest.approx(np.square(luma.astype(float)).sum(), rel=1e-6)
    half = half_luma
    diagonal = (half[::2, ::2] - half[::2, 1::2] - half[1::2, ::2] + half[1::2, 1::2]) / 2
    columns = values(wavelet, planes)
    shape = np.abs(diagonal).mean() / np.sqrt(np.square(diagonal).mean() + wavelet.FLOOR)
    got = columns["wavelet_luma_scale2_diagonal_mean_abs_over_std"]
    assert got == pytest.approx(4 * (shape - 0.6), abs=1e-3)


def test_binary_patterns_are_scikit_images(planes, luma):
    feature = pytest.importorskip("skimage.feature")
    smallest = [min((ring >> k | ring << (8 - k)) & 255 for k in range(8)) for ring in range(256)]
    # Radius 1.4 would interpolate the corners: compare with square neighbours counted here.
    codes = np.zeros((SIZE - 2, SIZE - 2), int)
    for bit, (dy, dx) in enumerate(texture.RING):
        codes |= (luma[dy : dy + SIZE - 2, dx : dx + SIZE - 2] >= luma[1:-1, 1:-1]) << bit
    got = texture.rings(planes.luma)[0, 0].numpy()
    np.testing.assert_array_equal(got, codes)
    # The four straight neighbours are those of scikit-image's 4-point pattern.
    four = feature.local_binary_pattern(luma.astype(np.uint8), 4, 1, "default")[1:-1, 1:-1]
    places = [texture.RING.index(place) for place in ((1, 2), (0, 1), (1, 0), (2, 1))]
    ours = sum(((codes >> place) & 1) << bit for bit, place in enumerate(places))
    np.testing.assert_array_equal(ours, four.astype(int))
    columns = values(texture, planes)
    share = np.mean([smallest[code] == 0b1111 for code in codes.ravel()])
    expected = 5 * (np.sqrt(share) - 1 / 6)
    assert columns["lbp_luma_00001111_share"] == pytest.approx(expected, abs=1e-4)
    assert len(set(smallest)) == 36


def test_colour_shares_are_numpys(planes, picture, luma):
    columns = values(colour, planes)
    clipped = (picture[..., 0] >= 253).mean()
    expected = np.log((clipped + 1e-4) / 1e-3) / 4
    assert columns["colour_clipped_high_red"] == pytest.approx(expected, abs=1e-4)
    share = ((luma >= 96) & (luma < 128)).mean()
    expected = 2 * (np.sqrt(share) - np.sqrt(1 / 8))
    assert columns["colour_luma_share_096_to_127"] == pytest.approx(expected, abs=2e-3)
    spread = np.ptp(picture.astype(int), axis=2)
    saturation = spread / (picture.max(2).astype(int) + 1)
    got = columns["colour_saturation_mean"]
    assert got == pytest.approx(2 * saturation.mean() - 0.5, abs=1e-4)
