"""What every page can do on which people look through pictures."""

import html

from ..images.inputs import as_pictures
from ..results import Result
from .browsing import save_page
from .fiftyone_export import as_fiftyone


class PicturePage(Result):
    """A page of pictures; a subclass has `pictures`, `_render`, `_picture_table` and `_kind`."""

    _kind = "Page"
    pictures = ()

    def _render(self, folder=None, without=()):
        """Return the HTML; `folder` beside it has thumbnails, but for the rows in `without`."""
        raise NotImplementedError

    @property
    def _picture_table(self):
        """What `picture_table` made."""
        raise NotImplementedError

    def to_html(self):
        """Return the page.

        Returns
        -------
        text : str
            One HTML document that needs no other file and no network.
        """
        return self._render()

    def save(self, path, *, thumbnail_folder=False, verbose="auto"):
        """Write the page to a file.

        Parameters
        ----------
        path : str or Path
            Such as ``"report.html"``; overwritten if it exists.
        thumbnail_folder : bool, default=False
            Whether to write a small picture of every judged one as well, into a folder beside the
            page, such as ``report_thumbnails``: page and folder belong together. They are shown
            where all pictures are listed. Without, that is a list of names.
        verbose : bool or "auto", default="auto"
            Whether to show a progress bar; "auto" does in a terminal or notebook.

        Returns
        -------
        path : Path
            The file.
        """
        pictures = as_pictures(self.pictures) if thumbnail_folder else None
        return save_page(path, self._render, pictures, verbose)

    def to_fiftyone(self, name=None):
        """Return all judged pictures as a data set of FiftyOne, to look at in its app.

        Parameters
        ----------
        name : str or None, default=None
            Name of the data set. None lets FiftyOne choose.

        Returns
        -------
        dataset : fiftyone.Dataset
            One sample a picture, with the field ``prediction`` (the verdict, and the score as
            ``score``); where they are known ``ground_truth`` (real or generated) and ``name``
            (generator or source) as well.

        Raises
        ------
        ImportError
            FiftyOne is not installed.
        ValueError
            A picture is no file.
        """
        return as_fiftyone(self._picture_table, as_pictures(self.pictures), name)

    def _repr_html_(self):
        # A frame, so that neither page changes the other's looks.
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="{self._kind}" '
            'style="width: 100%; height: 44rem; border: 1px solid #ccc"></iframe>'
        )
