"""A picture with its regions coloured."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Orange and blue: told apart by everyone, and by the signs in black and white.
GENERATED_COLOUR = (213, 94, 0)
REAL_COLOUR = (0, 114, 178)
_MOST_ALPHA = 0.65
_SHORTEST_LONG_SIDE, _LONGEST_SIDE = 480, 1280
# Regions with at least this part of the largest effect get a sign, as large as the effect.
_SIGNED = 0.2


def draw_overlay(picture, heat, lines):
    """Colour each region by its effect, orange for generated, and write a few lines below."""
    base = _at_a_readable_size(Image.fromarray(picture))
    width, height = base.size
    strongest = np.abs(heat).max()
    strength = heat / strongest if strongest > 0 else np.zeros_like(heat)
    colours = np.where(strength[..., None] > 0, GENERATED_COLOUR, REAL_COLOUR).astype(np.uint8)
    alpha = (255 * _MOST_ALPHA * np.abs(strength)).astype(np.uint8)
    size = (width, height)
    nearest = Image.Resampling.NEAREST
    coloured = Image.composite(
        Image.fromarray(colours).resize(size, nearest),
        base.convert("L").convert("RGB"),
        Image.fromarray(alpha).resize(size, nearest),
    )
    _draw_signs(ImageDraw.Draw(coloured), strength, size)
    return _with_caption(coloured, lines)


def _at_a_readable_size(image):
    longer = max(image.size)
    factor = min(_LONGEST_SIDE, max(_SHORTEST_LONG_SIDE, longer)) / longer
    size = tuple(max(1, round(side * factor)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _draw_signs(draw, strength, size):
    n_down, n_right = strength.shape
    step_right, step_down = size[0] / n_right, size[1] / n_down
    for down, right in np.argwhere(np.abs(strength) >= _SIGNED):
        arm = 0.2 * min(step_right, step_down) * abs(strength[down, right])
        if arm < 2:
            continue
        x, y = (right + 0.5) * step_right, (down + 0.5) * step_down
        strokes = [(x - arm, y, x + arm, y)]
        if strength[down, right] > 0:
            strokes.append((x, y - arm, x, y + arm))
        thick = max(1, round(arm / 3))
        for colour, stroke_width in (("black", thick + 2), ("white", thick)):
            for stroke in strokes:
                draw.line(stroke, fill=colour, width=stroke_width)


def _with_caption(image, lines):
    font = ImageFont.load_default(15)
    margin, line_height = 8, 20
    width = max([image.width, *(round(font.getlength(line)) + 2 * margin for line in lines)])
    page = Image.new("RGB", (width, image.height + line_height * len(lines) + 2 * margin), "white")
    page.paste(image, (0, 0))
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((margin, image.height + margin + number * line_height), line, "black", font)
    return page
