"""A page on which to look through a file of verdicts."""

from .verdict_file import VerdictFile


def write_verdict_page(html, verdicts, *, title, threshold, thumbnails, verbose):
    """Read a file that `VerdictFile` wrote, and write the page; thumbnails go beside it."""
    from ..evaluation_page import browse_verdicts

    with VerdictFile(verdicts, overwrite=False) as file:
        rows = file.done
    page = browse_verdicts(
        [row["path"] for row in rows],
        [float(row["score"] or "nan") for row in rows],
        [row["verdict"] for row in rows],
        reason={place: row["error"] for place, row in enumerate(rows) if row["error"]},
        threshold=threshold,
        title=title,
    )
    page.save(html, thumbnail_folder=thumbnails, verbose=verbose)
