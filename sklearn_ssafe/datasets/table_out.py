"""A table out: CSV that Excel, pandas and this package read back to the same rows."""

import os
import re

from ..labels import is_missing

BYTE_ORDER_MARK = "\ufeff"  # Excel takes the file for UTF-8 by it

# A spreadsheet takes what begins like this for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Neither a formula, nor a home folder, nor what pandas takes for a number or for missing.
_PLAIN_PATH = re.compile(r"(?!#?n/a(?: n/a)?$)[^=+\-@~'\s].*(?:[/\\]|\.[a-z])", re.I | re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_TEXT = re.compile(r"\\u(d[89a-f][0-9a-f]{2})")
_BACKSLASH = re.compile(r"\\(?=ud[89a-f][0-9a-f]{2}|x5c)")


def write_table(table, file, *, keep_absolute=False):
    """Write a table of which the column path, if there is one, has paths; `file` is a Path."""
    columns = []
    for name in table.columns:
        if name == "path":
            cells = [path_cell(path, file.parent, keep_absolute) for path in table[name]]
        else:
            cells = [_cell(value) for value in table[name]]
        columns.append(cells)
    lines = [csv_line(map(name_cell, map(str, table.columns)))]
    lines += map(csv_line, zip(*columns, strict=True))
    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.write(BYTE_ORDER_MARK)
        opened.writelines(lines)


def _cell(value):
    if is_missing(value):
        return ""
    return name_cell(value) if isinstance(value, str) else str(value)


def csv_line(cells):
    r"""Write a row; what a reader might split, or take the spaces off, stands in quotes.

    Examples
    --------
    >>> csv_line(["a, b", "two\rlines", "plain", " c"])
    '"a, b","two\rlines",plain," c"\n'
    """
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(text):
    needs_quotes = any(sign in text for sign in ',"\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def name_cell(name):
    r"""Write a name so that no spreadsheet takes it for a formula; `name_of_cell` undoes it.

    Examples
    --------
    >>> name_cell("=1+2"), name_cell("sdxl"), name_cell("'@x")
    ("'=1+2", 'sdxl', "''@x")
    """
    name = name.encode("utf-8", "backslashreplace").decode()
    return f"'{name}" if _FORMULA.match(name) else name


def name_of_cell(cell):
    """Return the name that `name_cell` wrote; any other text is a name as it is.

    Examples
    --------
    >>> name_of_cell("'=1+2"), name_of_cell("sdxl"), name_of_cell("'tis")
    ('=1+2', 'sdxl', "'tis")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def path_cell(path, folder, keep_absolute=False):
    r"""Write a path for a table in `folder`; `path_of_cell` reads it.

    A relative path, which begins at the working folder, is written as it begins at `folder`. So is
    an absolute one, unless `keep_absolute`. Bytes that are no UTF-8 are written as ``\udce9``.

    Examples
    --------
    >>> path_cell("made/=1.jpg", "made"), path_cell("made/b\udce9.jpg", "made")
    ('./=1.jpg', 'b\\udce9.jpg')
    >>> path_cell("a.jpg", "made"), path_cell("/b.jpg", "made", keep_absolute=True)
    ('../a.jpg', '/b.jpg')
    """
    if not path or _URL.match(path):
        return name_cell(path)
    if not (keep_absolute and os.path.isabs(path)):
        try:
            path = os.path.relpath(path, os.path.realpath(folder))
        except ValueError:  # on another drive of Windows
            path = os.path.abspath(path)
    path = _BACKSLASH.sub(r"\\x5c", path)
    path = _SURROGATE.sub(lambda sign: f"\\u{ord(sign[0]):x}", path)
    return path if _PLAIN_PATH.match(path) else os.path.join(".", path)


def path_of_cell(cell, folder):
    """Read a path in a table that lies in `folder`.

    What may be meant in two ways is taken as written if there is such a file: spaces at an end, a
    backslash (of Windows, or as `path_cell` writes it), ``~`` for the home folder.
    """
    text = cell.strip()
    if not text or _URL.match(text):
        return text
    if text == cell and "\\" not in text and not text.startswith("~"):
        return str(folder / text)
    ways = [_unescaped(cell), cell, _unescaped(text), text]
    if os.sep == "/":
        ways.append(text.replace("\\", "/"))  # a table made on Windows
    ways.append(os.path.expanduser(ways[-1]))
    there = next((way for way in ways if os.path.exists(folder / way)), None)
    if there is None:
        there = ways[2] if ways[2] != text else ways[-1]
    return str(folder / there)


def _unescaped(path):
    """Undo what `path_cell` does to backslashes and surrogates."""
    path = _SURROGATE_TEXT.sub(lambda found: chr(int(found[1], 16)), path)
    return path.replace(r"\x5c", "\\")
