"""Pictures that one process reads and prepares, and another encodes."""

import numpy as np
import pyarrow as pa

from ..encoding.failures import reason_of
from ..images.errors import ImageReadError
from ..images.picture import Picture

# Columns on the way from the one process to the other.
_KEY, _REASON, _VIEWS = "ssafe_key", "ssafe_reason", "ssafe_views"


class PreparedPicture(Picture):
    """What an encoder takes of a picture, or why it could not be had; `item` is its key."""

    __slots__ = ("_reason", "_views")

    def __init__(self, key, reason, views):
        super().__init__(key)
        self._reason = reason
        self._views = views

    @property
    def name(self):
        """Nothing: another process knows what it was."""
        return "<prepared picture>"

    def key(self, max_pixels=None):
        """Return the key of the picture; see `Picture.key`."""
        self._cost(max_pixels)
        return self.item

    def given_bytes(self):
        """Return the key; see `Picture.given_bytes`."""
        return self.item or b""

    def views(self, encoder, max_pixels=None):
        """Return what was prepared for this encoder."""
        return self._views[encoder.name]

    def _cost(self, max_pixels):
        if self._reason is not None:
            raise ImageReadError(self._reason)
        return 0


def prepare_table(table, pictures, preparations, max_pixels):
    """Return the table with columns that `prepared_pictures` turns into pictures again."""
    keys, reasons, views = [], [], {each.name: [] for each in preparations}
    for picture in pictures:
        try:
            key, prepared = _prepare(picture, preparations, max_pixels)
            reason = None
        except Exception as error:
            key, prepared, reason = None, {}, reason_of(error)
        keys.append(key)
        reasons.append(reason)
        for name, waiting in views.items():
            waiting.append(prepared.get(name))
    table = table.append_column(_KEY, pa.array(keys, pa.binary()))
    table = table.append_column(_REASON, pa.array(reasons, pa.string()))
    for name, waiting in views.items():
        table = table.append_column(f"{_VIEWS} {name}", pa.array(waiting, pa.large_binary()))
    return table


def _prepare(picture, preparations, max_pixels):
    with picture.reserving(max_pixels):
        picture = picture.loaded()
        views = {each.name: picture.views(each, max_pixels) for each in preparations}
        return picture.key(max_pixels), {name: _packed(array) for name, array in views.items()}


def take_prepared(table):
    """Return the table as it was, and its `PreparedPicture`s; None where it was not prepared."""
    if _KEY not in table.column_names:
        return table, None
    names = [name for name in table.column_names if name.startswith(_VIEWS)]
    columns = [table[name] for name in names]
    pictures = [
        PreparedPicture(
            key.as_py(),
            reason.as_py(),
            {
                name.removeprefix(f"{_VIEWS} "): _unpacked(column[row].as_buffer())
                for name, column in zip(names, columns, strict=True)
                if column[row].is_valid
            },
        )
        for row, (key, reason) in enumerate(zip(table[_KEY], table[_REASON], strict=True))
    ]
    return table.drop_columns([_KEY, _REASON, *names]), pictures


def _packed(array):
    """Write an array as bytes: a line with type and shape, and then its values."""
    shape = " ".join(map(str, array.shape))
    return f"{array.dtype.str} {shape}\n".encode() + array.tobytes()


def _unpacked(buffer):
    """Return the array, whose values are not copied."""
    content = memoryview(buffer)
    line = bytes(content[:200]).partition(b"\n")[0]
    dtype, *shape = line.decode().split()
    values = np.frombuffer(content[len(line) + 1 :], dtype=dtype)
    return values.reshape([int(length) for length in shape])
