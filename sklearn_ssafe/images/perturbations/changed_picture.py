"""A picture that is changed when it is read, so that many changed copies take no memory."""

from ..limits import MAX_PIXELS
from ..picture import Picture, as_picture
from ..reading import ImageReadError

# The picture, what it becomes, and floats in between.
_COPIES = 4


class ChangedPicture(Picture):
    """What a perturbation makes of a picture, as `perturb` does: made anew whenever it is read.

    `item` is the picture that is changed.
    """

    __slots__ = ("perturbation", "strength")

    in_memory = False

    def __init__(self, item, perturbation, strength):
        super().__init__(as_picture(item))
        self.perturbation = perturbation
        self.strength = strength

    @property
    def name(self):
        """Name the picture and what is done to it."""
        return f"{self.item.name}, {self.perturbation.name} {self.strength:g}"

    def loaded(self):
        """Return the changed picture: a codec's file, or pixels."""
        with self.reserving():
            return self._changed(MAX_PIXELS)

    def _changed(self, max_pixels):
        pixels = self.item._read(max_pixels)
        try:
            return as_picture(self.perturbation(pixels, self.strength))
        except Exception as error:  # a codec's limits, or whatever a user's own function raises
            raise ImageReadError(
                f"could not be changed: {type(error).__name__}: {error}"
            ) from error

    def _cost(self, max_pixels):
        return _COPIES * self.item._cost(max_pixels)

    def _read(self, max_pixels):
        return self._changed(max_pixels)._read(max_pixels)

    def _content(self):
        return self.loaded().content()

    def _header(self):
        return self.loaded().header()

    def digest(self, max_pixels=MAX_PIXELS):
        """Return the digest of the changed picture, the same as of a copy that somebody kept."""
        with self.reserving(max_pixels):
            return self._changed(max_pixels).digest(max_pixels)

    def key(self, max_pixels=MAX_PIXELS):
        """Return the key of the changed picture, the same as of a copy that somebody kept."""
        with self.reserving(max_pixels):
            return self._changed(max_pixels).key(max_pixels)

    def given_bytes(self):
        """Return what tells this copy from others, without reading any file."""
        change = f"{self.perturbation.name} {float(self.strength)!r}\n".encode()
        return change + bytes(self.item.given_bytes())
