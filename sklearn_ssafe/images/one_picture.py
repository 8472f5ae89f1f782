"""What a user asks of one picture: its pixels, and what its file tells."""

from ..public import public
from .limits import MAX_PIXELS
from .picture import as_picture


@public("sklearn_ssafe.images")
def read_image(image, *, max_pixels=MAX_PIXELS):
    """Read one picture as an RGB array.

    The EXIF orientation is applied. Transparent pixels are composited on white. Palette, grey,
    CMYK and 16-bit pictures become 8-bit RGB (16-bit values keep their high byte). Of an animation
    the first frame is taken. Embedded colour profiles are not applied, as in the preprocessing
    that the encoders were trained with.

    The format is told from the content, never from the name: JPEG, PNG, WebP, GIF, TIFF, BMP,
    HEIC (with the extra ``[heif]``), AVIF, JPEG 2000, PSD, ICO and PPM. Reading starts no other
    program, fetches nothing, and opens no other file. Whatever a decoder knows to be damaged is
    refused; oddities that change no pixel, such as damaged EXIF, are not.

    Parameters
    ----------
    image : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A file's path, the name of a row in a Parquet file (``"SHARD.parquet#COLUMN/ROW"``), a
        file's content, an opened picture, or pixel values of shape (height, width),
        (height, width, 1), (height, width, 3) or (height, width, 4).
    max_pixels : int, default=120000000
        A picture of more pixels is refused, before any of it is decoded. So is one whose decoder
        may take more than 10 bytes of memory for each pixel allowed, 1.2 GB by default: WebP, AVIF,
        HEIC and JPEG 2000 files from 45 to 75 million pixels on, uncompressed TIFF from 90 million,
        and whatever has more than 100,000 pixels on a side. All threads together take no more than
        1.2 GB either, or 100 MB a core where that is more; a picture that is allowed more waits
        until it is alone. Beyond 178 million pixels, ``PIL.Image.MAX_IMAGE_PIXELS`` has to be
        raised as well.

    Returns
    -------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values, 0 to 255, C-contiguous.

    Raises
    ------
    ImageReadError
        The picture is missing, empty, damaged, too large, of another format, or a URL.

    Examples
    --------
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> from sklearn_ssafe.images import read_image
    >>> picture = make_generated_images(2, image_size=64, random_state=0).X[0]
    >>> read_image(picture).shape
    (64, 64, 3)
    """
    return as_picture(image).read(max_pixels)


@public("sklearn_ssafe.images")
def read_file_facts(image):
    """Read what a picture file tells without decoding it.

    Parameters
    ----------
    image : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A file's path, the name of a row in a Parquet file, or a file's content. Of a picture in
        memory, size and colour mode are all there is.

    Returns
    -------
    facts : FileFacts
        Takes a fraction of a millisecond.

    Raises
    ------
    ImageReadError
        The picture is missing, empty, of an unknown format, or a URL.

    Examples
    --------
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> picture = make_generated_images(2, image_size=64, random_state=0).X[0]
    >>> facts = read_file_facts(picture)
    >>> facts.format, facts.width, facts.jpeg_quality, facts.subsampling
    ('JPEG', 64, 90, '4:2:0')
    """
    return as_picture(image).facts()
