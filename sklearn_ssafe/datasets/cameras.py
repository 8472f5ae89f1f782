"""A simple camera: optics, a noisy sensor behind a Bayer mosaic, demosaicing, tone."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import convolve, gaussian_filter

from .photographs import to_srgb

_GREEN_KERNEL = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], dtype=np.float32) / 4
_RED_BLUE_KERNEL = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=np.float32) / 4


@dataclass(frozen=True)
class Camera:
    """One source of real photographs."""

    name: str
    blur: float
    shot_noise: float
    read_noise: float
    red_row: int
    red_column: int
    follows_green: bool
    sharpening: float
    contrast: float
    red_gain: float
    blue_gain: float

    @classmethod
    def draw(cls, name, rng):
        """Draw the parameters of one camera from plausible ranges."""
        return cls(
            name=name,
            blur=rng.uniform(0.45, 0.65),
            shot_noise=10 ** rng.uniform(-4, -3.3),
            read_noise=rng.uniform(0.001, 0.003),
            red_row=int(rng.integers(2)),
            red_column=int(rng.integers(2)),
            follows_green=bool(rng.random() < 0.5),
            sharpening=rng.uniform(0, 0.3),
            contrast=rng.uniform(0, 0.5),
            red_gain=rng.uniform(1.4, 2.2),
            blue_gain=rng.uniform(1.3, 2.0),
        )

    def photograph(self, scene, rng):
        """Take a picture of a scene."""
        exposure = 0.2 / max(float(scene.mean()), 1e-3) * 2 ** rng.normal(0, 0.35)
        light = gaussian_filter(scene, (self.blur, self.blur, 0), truncate=3) * exposure
        gains = np.array([self.red_gain, 1, self.blue_gain], dtype=np.float32)
        sensor = self._sense(light / gains, rng)
        # What the sensor cuts off at white is cut off in every colour alike.
        linear = np.clip(self._demosaic(sensor) * gains, 0, 1)
        return self._develop(linear)

    def _colour_sites(self, shape):
        """Masks of the red, green and blue sites of the mosaic."""
        row = (np.arange(shape[0]) + self.red_row)[:, None] % 2
        column = (np.arange(shape[1]) + self.red_column)[None, :] % 2
        red, blue = (row == 0) & (column == 0), (row == 1) & (column == 1)
        return np.stack([red, ~(red | blue), blue], axis=-1).astype(np.float32)

    def _sense(self, light, rng):
        """One noisy value a pixel, through the mosaic's filter at that pixel."""
        value = (light * self._colour_sites(light.shape)).sum(axis=-1)
        deviation = np.sqrt(self.shot_noise * value + self.read_noise**2)
        noise = rng.standard_normal(value.shape, dtype=np.float32)
        return np.clip(value + deviation * noise, 0, 1)

    def _demosaic(self, sensor):
        red, green, blue = np.moveaxis(self._colour_sites(sensor.shape), -1, 0)
        full_green = convolve(sensor * green, _GREEN_KERNEL, mode="mirror")
        base = full_green if self.follows_green else np.float32(0)
        full_red, full_blue = (
            base + convolve((sensor - base) * sites, _RED_BLUE_KERNEL, mode="mirror")
            for sites in (red, blue)
        )
        return np.stack([full_red, full_green, full_blue], axis=-1)

    def _develop(self, linear):
        picture = to_srgb(linear)
        s_curve = picture * picture * (3 - 2 * picture)
        picture = picture + np.float32(self.contrast) * (s_curve - picture)
        soft = gaussian_filter(picture, (1, 1, 0), truncate=2)
        return np.clip(picture + np.float32(self.sharpening) * (picture - soft), 0, 1)
