"""Drawn scenes in linear light: landscapes and tables, with textured, shaded objects.

The recipe is that of "dead leaves" pictures, in which objects of every size hide one another and
which share the statistics of natural images: A. B. Lee, D. Mumford and J. Huang, "Occlusion models
for natural images", International Journal of Computer Vision 41 (2001). Surfaces carry textures
whose power falls with frequency f as 1/f**a, as it does in photographs: D. J. Field, "Relations
between the statistics of natural images and the response properties of cortical cells", Journal
of the Optical Society of America A 4 (1987).
"""

import math

import numpy as np
import scipy.fft

from .photographs import load_photographs, to_linear

_TEXTURE_SIZE = 512


def power_law_noise(rng, shape, exponent):
    """Draw noise whose power falls with frequency f as ``1 / f**exponent``."""
    spectrum = scipy.fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    axes = [scipy.fft.fftfreq(n) for n in shape[:-1]] + [scipy.fft.rfftfreq(shape[-1])]
    frequency = np.sqrt(sum(np.square(axis) for axis in np.meshgrid(*axes, indexing="ij")))
    frequency.flat[0] = np.inf  # no constant part
    noise = scipy.fft.irfftn(spectrum * frequency ** (-exponent / 2), s=shape)
    return (noise / noise.std()).astype(np.float32)


class SceneMaker:
    """Draws scenes; textures and the palette are prepared once."""

    def __init__(self, rng):
        photographs = load_photographs(scikit_image=False).values()
        shape = (_TEXTURE_SIZE, _TEXTURE_SIZE)
        self.textures = [power_law_noise(rng, shape, e) for e in (1.2, 1.6, 2.0, 2.4, 2.8)]
        pixels = np.concatenate([p[::8, ::8].reshape(-1, 3) for p in photographs])
        # Natural colours, without the near-black ones, in which nothing can be seen, and paler,
        # as surfaces seldom are as vivid as a flower.
        palette = to_linear(pixels[pixels.max(axis=1) > 60] / 255)
        self.palette = 0.65 * palette + 0.35 * palette.mean(axis=1, keepdims=True)

    def draw(self, shape, rng):
        """Draw one scene."""
        landscape = rng.random() < 0.5
        scene, floor = (self._landscape if landscape else self._room)(shape, rng)
        light = rng.uniform(0, 2 * np.pi)
        n_objects = rng.integers(10, 25)
        # Radii as in dead leaves, density r**-3 between the two limits; far ones first.
        small, large = 0.02, 0.25
        radii = 1 / np.sqrt(rng.uniform(large**-2, small**-2, n_objects))
        depth = np.sort(rng.uniform(0.05, 1, n_objects))
        sizes = 1.3 * min(shape) * radii
        # As Python floats, which leave the scene in single precision.
        for radius, near in zip(sizes.tolist(), depth.tolist(), strict=True):
            centre = (floor + near * (shape[0] - floor), rng.uniform(0, shape[1]))
            self._object(scene, centre, radius * (0.5 + near), light, rng)
        return np.clip(scene, 0, 1)

    def _colour(self, rng, brightness=1.0):
        return self.palette[rng.integers(len(self.palette))] * np.float32(brightness)

    def _texture(self, shape, rng, strength):
        """Cut a window out of a texture, as a factor around 1."""
        texture = self.textures[rng.integers(len(self.textures))]
        # The textures wrap round, so a window may begin anywhere and be of any size.
        starts = rng.integers(0, _TEXTURE_SIZE, 2)
        rows, columns = (
            (start + np.arange(n)) % _TEXTURE_SIZE for start, n in zip(starts, shape, strict=True)
        )
        window = texture[np.ix_(rows, columns)]
        return np.exp(np.float32(strength) * window)[..., None]

    def _landscape(self, shape, rng):
        """Draw a sky with clouds, and ridges that fade with distance."""
        height, width = shape
        horizon = rng.uniform(0.25, 0.6) * height
        down = (np.arange(height, dtype=np.float32) / height)[:, None, None]
        zenith, haze = self._colour(rng, 0.7), 0.5 * self._colour(rng) + 0.35
        scene = zenith * (1 - down) + haze * down
        scene = scene * self._texture(shape, rng, rng.uniform(0.02, 0.2))
        n_ridges = int(rng.integers(2, 5))
        for ridge in range(n_ridges):
            nearness = (ridge + 1) / n_ridges
            outline = power_law_noise(rng, (width,), rng.uniform(2.2, 3.2))
            line = horizon + nearness * 0.3 * height + outline * 0.04 * height
            ground = self._colour(rng) * self._texture(shape, rng, rng.uniform(0.1, 0.5))
            ground = haze + (0.3 + 0.7 * nearness) * (ground - haze)
            depth = np.arange(height, dtype=np.float32)[:, None] - line.astype(np.float32)
            scene = scene + np.clip(depth + 0.5, 0, 1)[..., None] * (ground - scene)
        return scene, horizon + 0.2 * height

    def _room(self, shape, rng):
        """Draw a wall and a table, lit from one side."""
        height, width = shape
        edge = int(rng.uniform(0.3, 0.6) * height)
        wall = np.tile(self._colour(rng), (edge, width, 1))
        wall = wall * self._texture((edge, width), rng, rng.uniform(0.01, 0.2))
        table = np.tile(self._colour(rng), (height - edge, width, 1))
        table = table * self._texture((height - edge, width), rng, rng.uniform(0.05, 0.4))
        scene = np.concatenate([wall, table])
        y, x = np.meshgrid(
            np.linspace(-1, 1, height, dtype=np.float32),
            np.linspace(-1, 1, width, dtype=np.float32),
            indexing="ij",
        )
        slope = rng.uniform(-0.35, 0.35, 2).astype(np.float32)
        return scene * (1 + slope[0] * y + slope[1] * x)[..., None], edge

    def _object(self, scene, centre, radius, light, rng):
        """Add a ball, box or clump with texture, shading and a soft shadow below it."""
        tall = rng.uniform(0.7, 1.5)
        kind = rng.choice(["ball", "box", "clump"])
        reach = int(1.7 * radius * max(1, tall)) + 2
        top, left = (max(0, int(c) - reach) for c in centre)
        bottom, right = (min(n, int(c) + reach) for n, c in zip(scene.shape, centre, strict=False))
        if bottom <= top or right <= left:
            return
        window = scene[top:bottom, left:right]
        y = ((np.arange(top, bottom) - centre[0]) / (radius * tall)).astype(np.float32)[:, None]
        x = ((np.arange(left, right) - centre[1]) / radius).astype(np.float32)[None, :]

        shadow = np.exp(-4 * (x - 0.3 * math.cos(light)) ** 2 - 30 * (y - 1) ** 2)
        window *= 1 - 0.5 * shadow[..., None]

        if kind == "box":
            distance = np.maximum(np.abs(x), np.abs(y))
            shade = 1 + 0.25 * np.sign(x - rng.uniform(-0.4, 0.4)) * math.cos(light)
            shade = np.broadcast_to(shade, distance.shape)
        else:
            distance = np.sqrt(x**2 + y**2)
            if kind == "clump":
                lobes = int(rng.integers(3, 9))
                angle = np.arctan2(y, x) * lobes + rng.uniform(0, 6)
                distance = distance * (1 + 0.15 * np.sin(angle))
            facing = np.sqrt(np.clip(1 - distance**2, 0, 1))
            lit = x * math.cos(light) - y * (0.7 * abs(math.sin(light))) + facing
            shade = 0.35 + 0.65 * np.clip(lit, 0, 1.2)
        alpha = np.clip((1 - distance) * radius + 0.5, 0, 1)[..., None].astype(np.float32)
        surface = self._colour(rng, rng.uniform(0.7, 1.4)) * shade[..., None]
        surface = surface * self._texture(distance.shape, rng, rng.uniform(0.02, 0.5))
        window += alpha * (surface - window)
