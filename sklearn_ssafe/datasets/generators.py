"""Named families of simulated generator.

Each takes a photograph through the bottleneck and the decoder of a kind of image generator, and so
leaves in it the traces that the literature describes for that kind. None is a trained network:
what they share with one is the arithmetic that makes the trace.
"""

from abc import ABC, abstractmethod

import numpy as np
import scipy.fft
from scipy.ndimage import convolve1d, gaussian_filter


def _halve(picture):
    """Average the cells of 2x2 pixels: the encoder that most families have."""
    height, width, n_channels = picture.shape
    return picture.reshape(height // 2, 2, width // 2, 2, n_channels).mean(axis=(1, 3))


def _nearest(picture):
    """Repeat every pixel in a cell of 2x2."""
    return picture.repeat(2, axis=0).repeat(2, axis=1)


def _filter(picture, taps):
    """Filter rows and columns with the same taps."""
    taps = np.asarray(taps, dtype=np.float32)
    return convolve1d(convolve1d(picture, taps, axis=0, mode="mirror"), taps, axis=1, mode="mirror")


def _noise(rng, shape):
    """White noise, shape (height, width, 3), most of which all colours have in common."""
    common = rng.standard_normal((*shape[:2], 1), dtype=np.float32)
    return common + np.float32(0.5) * rng.standard_normal((*shape[:2], 3), dtype=np.float32)


class SimulatedGenerator(ABC):
    """A decoder with fixed weights.

    Subclasses take ``rng`` (numpy.random.Generator), from which they draw their weights, and
    ``photographs`` (list of ndarray of float32, shape (height, width, 3)), to which they may be
    fitted.
    """

    # `_generate` is given heights and widths that are multiples of this many pixels.
    stride = 2

    def generate(self, photograph, rng):
        """Take a photograph through the bottleneck and the decoder."""
        height, width = photograph.shape[:2]
        padding = [(0, -n % self.stride) for n in (height, width)]
        padded = np.pad(photograph, (*padding, (0, 0)), mode="symmetric")
        picture, detail = self._generate(padded, rng)
        return picture[:height, :width], detail[:height, :width]

    @abstractmethod
    def _generate(self, photograph, rng):
        """Do the work of `generate` at a size of whole strides."""


class TransposedConvolution(SimulatedGenerator):
    """Up-sampling by a transposed convolution, 3 taps at stride 2.

    Imitates DCGAN, ProGAN-era and image-to-image decoders. The taps overlap unevenly, so odd and
    even pixels get different weights: a checkerboard, with peaks at the Nyquist frequencies.
    A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill (2016);
    J. Frank et al., "Leveraging frequency analysis for deep fake image recognition", ICML (2020).
    """

    def __init__(self, rng, photographs):
        unevenness = rng.uniform(0.003, 0.008) * rng.choice([-1, 1])
        lean = rng.uniform(-0.1, 0.1)
        # The middle tap feeds even pixels, the outer two feed odd ones.
        self.taps = [0.5 + lean - unevenness, 1 + unevenness, 0.5 - lean - unevenness]

    def _decode(self, latent):
        spread = np.zeros((2 * latent.shape[0], 2 * latent.shape[1], 3), dtype=np.float32)
        spread[::2, ::2] = latent
        return _filter(spread, self.taps)

    def _generate(self, photograph, rng):
        latent = _halve(photograph)
        return self._decode(latent), self._decode(_noise(rng, latent.shape))


class NearestUpsampling(SimulatedGenerator):
    """Up-sampling by repeating pixels, then a 3x3 convolution.

    Imitates BigGAN- and ProGAN-like decoders, and the last stage of latent diffusion decoders.
    Neighbours within a cell of 2x2 pixels are closer than neighbours across cells. C. Tan et al.,
    "Rethinking the up-sampling operations in CNN-based generative network for generalizable
    deepfake detection", CVPR (2024); X. Zhang, S. Karaman and S.-F. Chang, "Detecting
    and simulating artifacts in GAN fake images", WIFS (2019).
    """

    def __init__(self, rng, photographs):
        side = rng.uniform(0.1, 0.2)
        self.taps = [side, 1 - 2 * side, side]

    def _decode(self, latent):
        return _filter(_nearest(latent), self.taps)

    def _generate(self, photograph, rng):
        latent = _halve(photograph)
        return self._decode(latent), self._decode(_noise(rng, latent.shape))


class BilinearUpsampling(SimulatedGenerator):
    """Bilinear up-sampling, with noise added at each resolution.

    Imitates the StyleGAN family. Too little power is left near the Nyquist frequency. R. Durall,
    M. Keuper and J. Keuper, "Watch your up-convolution", CVPR (2020); T. Karras et
    al., "Analyzing and improving the image quality of StyleGAN", CVPR (2020), for the noise.
    """

    stride = 4

    def __init__(self, rng, photographs):
        self.coarse = rng.uniform(0.6, 1.0)
        self.fine = rng.uniform(0.1, 0.3)

    def _double(self, picture):
        return _filter(_nearest(picture), [0.25, 0.5, 0.25])

    def _generate(self, photograph, rng):
        half = _halve(photograph)
        coarse = self._double(_noise(rng, _halve(half).shape))
        middle = np.float32(self.coarse) * coarse + _noise(rng, half.shape)
        detail = self._double(middle) + np.float32(self.fine) * _noise(rng, photograph.shape)
        return self._double(half), detail


class Autoencoder(SimulatedGenerator):
    """Reconstruction from a latent of few numbers for each patch.

    Imitates latent diffusion, whose every picture leaves through such a decoder. What the latent
    cannot hold is lost, and the stride of the patches shows as a period in the residual.
    R. Corvi et al., "Intriguing properties of synthetic images: from generative adversarial
    networks to diffusion models", CVPR workshops (2023); J. Ricker, D. Lukovnikov and
    A. Fischer, "AEROBLADE: training-free detection of latent diffusion images using autoencoder
    reconstruction error", CVPR (2024).

    The linear autoencoder is a principal component analysis of 8x8 pixel patches at stride 4,
    fitted to photographs, of which 64 of 192 numbers are kept.
    """

    stride = 4
    patch = 8
    n_components = 64

    def __init__(self, rng, photographs):
        patches = np.concatenate([self._cut(p).reshape(-1, self.patch**2 * 3) for p in photographs])
        self.mean = patches.mean(axis=0)
        centred = patches - self.mean
        _, components = np.linalg.eigh(centred.T @ centred)
        self.components = components[:, ::-1][:, : self.n_components]
        self.grain = rng.uniform(0.6, 0.9)
        # A rounded window, as the decoder's receptive field has, that does not sum to one evenly.
        window = np.hanning(self.patch + 2)[1:-1] + rng.uniform(0.02, 0.06)
        self.window = np.outer(window, window).astype(np.float32)[..., None]

    def _cut(self, picture):
        """Patches, shape (n_rows, n_columns, patch, patch, 3)."""
        views = np.lib.stride_tricks.sliding_window_view(picture, (self.patch, self.patch), (0, 1))
        return np.moveaxis(views[:: self.stride, :: self.stride], 2, -1)

    def _join(self, patches, shape):
        total, weight = np.zeros(shape, np.float32), np.zeros((*shape[:2], 1), np.float32)
        n_rows, n_columns = patches.shape[:2]
        step = self.stride
        for y in range(self.patch):
            rows = slice(y, y + step * n_rows, step)
            for x in range(self.patch):
                columns = slice(x, x + step * n_columns, step)
                total[rows, columns] += patches[:, :, y, x] * self.window[y, x]
                weight[rows, columns] += self.window[y, x]
        return total / weight

    def _decode(self, latent, shape):
        patches = latent @ self.components.T
        return self._join(patches.reshape(*latent.shape[:2], self.patch, self.patch, 3), shape)

    def _generate(self, photograph, rng):
        patches = self._cut(photograph)
        flat = patches.reshape(*patches.shape[:2], -1) - self.mean
        latent = flat @ self.components
        invented = rng.standard_normal(latent.shape, dtype=np.float32)
        mean = self._join(
            np.broadcast_to(self.mean.reshape(self.patch, self.patch, 3), patches.shape),
            photograph.shape,
        )
        picture = self._decode(latent, photograph.shape) + mean
        # The last layers of a decoder add a grain that its latent knows nothing of.
        grain = np.float32(self.grain) * _noise(rng, photograph.shape)
        return picture, self._decode(invented, photograph.shape) + grain


class Diffusion(SimulatedGenerator):
    """Noise added and removed again, at a falling strength, by a fixed denoiser.

    Imitates pixel-space diffusion models (DDPM, ADM, GLIDE). No trace of up-sampling; weak detail
    is missing, and what noise is left knows neither the mosaic nor the brightness. J. Ricker
    et al., "Towards the detection of diffusion model deepfakes", VISAPP (2024);
    Z. Wang et al., "DIRE for diffusion-generated image detection", ICCV (2023).

    The denoiser soft-thresholds a Haar wavelet transform at a random shift: R. R. Coifman and
    D. L. Donoho, "Translation-invariant de-noising" (1995).
    """

    stride = 8
    n_levels = 3

    def __init__(self, rng, photographs):
        strength = rng.uniform(0.015, 0.03)
        self.schedule = [strength, 0.6 * strength, 0.3 * strength]
        self.grain = rng.uniform(0.55, 0.7)

    def _shrink(self, picture, threshold, level):
        """Soft-threshold the differences within cells of 2x2, then those of the cells' means."""
        a, b = picture[::2, ::2], picture[::2, 1::2]
        c, d = picture[1::2, ::2], picture[1::2, 1::2]
        mean = (a + b + c + d) / 4
        bands = ((a - b + c - d) / 4, (a + b - c - d) / 4, (a - b - c + d) / 4)
        # An average of four values has half the noise of one, at every level again.
        limit = np.float32(threshold / 2)
        h, v, x = (band - np.clip(band, -limit, limit) for band in bands)
        if level > 1:
            mean = self._shrink(mean, threshold / 2, level - 1)
        out = np.empty_like(picture)
        out[::2, ::2], out[::2, 1::2] = mean + h + v + x, mean - h + v - x
        out[1::2, ::2], out[1::2, 1::2] = mean + h - v - x, mean - h - v + x
        return out

    def _denoise(self, picture, deviation, rng):
        shift = rng.integers(0, self.stride, 2)
        shifted = np.roll(picture, shift, axis=(0, 1))
        return np.roll(self._shrink(shifted, 2 * deviation, self.n_levels), -shift, axis=(0, 1))

    def _generate(self, photograph, rng):
        picture = photograph
        for deviation in self.schedule:
            noise = rng.standard_normal(picture.shape, dtype=np.float32)
            picture = self._denoise(picture + np.float32(deviation) * noise, deviation, rng)
        grain = (self.grain, self.grain, 0)
        return picture, gaussian_filter(_noise(rng, picture.shape), grain, truncate=3)


class SpectralMismatch(SimulatedGenerator):
    """Fine detail whose power does not fall with frequency as it does in photographs.

    Imitates generators that show no grid but whose spectrum falls too steeply. T. Dzanic, K. Shah
    and F. Witherden, "Fourier spectrum discrepancies in deep network generated images", NeurIPS
    (2020); K. Schwarz, Y. Liao and A. Geiger, "On the frequency bias of generative models",
    NeurIPS (2021).
    """

    def __init__(self, rng, photographs):
        self.edge = rng.uniform(0.12, 0.2)
        self.slope = rng.uniform(0.5, 1.0)

    def _generate(self, photograph, rng):
        height, width = photograph.shape[:2]
        frequency = np.hypot(
            scipy.fft.fftfreq(height)[:, None], scipy.fft.rfftfreq(width)[None, :]
        ).astype(np.float32)[..., None]
        # Unchanged below the edge, and a steeper fall than in a photograph above it.
        gain = np.maximum(frequency / np.float32(self.edge), 1) ** np.float32(-self.slope)

        def fall(values):
            spectrum = scipy.fft.rfft2(values, axes=(0, 1)) * gain
            return scipy.fft.irfft2(spectrum, s=(height, width), axes=(0, 1))

        return fall(photograph), fall(_noise(rng, photograph.shape))


GENERATORS = {
    "transposed_convolution": TransposedConvolution,
    "nearest_upsampling": NearestUpsampling,
    "bilinear_upsampling": BilinearUpsampling,
    "autoencoder": Autoencoder,
    "diffusion": Diffusion,
    "spectral_mismatch": SpectralMismatch,
}
