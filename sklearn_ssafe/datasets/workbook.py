"""An Excel workbook in: its first visible sheet as text, sizes looked at before anything else."""

import datetime
import re
import warnings
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

# What is packed may grow as much as real tables do, and no more: by ten or fifty.
_MOST_GROWTH, _ALWAYS_ALLOWED = 100, 16 * 2**20
_MOST_BYTES = 2**30
_ALWAYS_CELLS, _MOST_EMPTY = 5_000_000, 20
_CHUNK = 2**16
_DIGITS_KEPT = 15
_PADDED = re.compile(r"(0+)(?:\.(0+))?")


class TableRefused(ValueError):
    """Why a table is not read, though it may be sound."""


def read_workbook(file, needs_exact_text):
    """Read the first visible sheet: headings, columns of text, and the numbers of the rows.

    A cell is text as it is shown where it can be told, None where there is none.
    `needs_exact_text` says of a heading whether its column holds names. What cannot be read for
    certain raises a `TableRefused` that names the cell.
    """
    from openpyxl import load_workbook

    with file.open("rb") as opened, ZipFile(opened) as archive:
        _check_sizes(archive, file.stat().st_size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of openpyxl, about parts that are not read here
            book = load_workbook(opened, read_only=True, data_only=True, keep_links=False)
            sheet = next((s for s in book.worksheets if s.sheet_state == "visible"), None)
            if sheet is None:
                raise TableRefused("it has no visible sheet")
            shape = _Shape(archive, sheet._worksheet_path)
            shape.check(sheet.title)
            return _read_cells(sheet, shape, needs_exact_text)


def _check_sizes(archive, packed):
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > min(_MOST_BYTES, _ALWAYS_ALLOWED + _MOST_GROWTH * packed):
        raise TableRefused(
            f"its {packed:,} bytes unpack to {unpacked:,}, more than is read: save the table as "
            "CSV or Parquet"
        )


class _Shape:
    """Where a sheet has values, and what about it cannot be read for certain."""

    def __init__(self, archive, path):
        self.first = self.last = 0  # rows with a value
        self.n_columns = self.n_rows = self.n_values = 0
        self.hidden, self.merged, self.without_value, self.outside = [], [], [], ""
        self._row = self._column = 0
        self._row_is_hidden = self._all_hidden = False
        self._formula = self._has_value = self._is_text = False
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            with archive.open(path) as sheet:
                while chunk := sheet.read(_CHUNK):
                    parser.Parse(chunk)
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise BadZipFile(f"{path}: {error}") from error

    def _start(self, name, attributes):
        name = name.rpartition(":")[2]
        if name == "c":
            self._start_cell(attributes)
        elif name == "row":
            self._start_row(attributes)
        elif name == "f":
            self._formula = True
        elif name == "v" and self._formula and not self._is_text:
            self._parser.CharacterDataHandler = self._found_value  # it may be empty
        elif name in ("v", "is"):
            self._has_value = True
        elif name == "mergeCell":
            self.merged.append(attributes.get("ref", "?"))
        elif name == "sheetFormatPr":
            self._all_hidden = attributes.get("zeroHeight") in ("1", "true")

    def _start_row(self, attributes):
        row = int(attributes.get("r", self._row + 1))
        if row <= self._row:
            raise BadZipFile(f"row {row} comes after row {self._row}")
        hidden = attributes.get("hidden", "1" if self._all_hidden else "0")
        self._row, self._column, self._row_is_hidden = row, 0, hidden in ("1", "true")
        self.n_rows += 1

    def _start_cell(self, attributes):
        reference = attributes.get("r")
        column = self._column + 1 if reference is None else _column_number(reference)
        if column <= self._column:
            raise BadZipFile(f"cell {reference} comes after another one of its column")
        self._column, self._formula, self._has_value = column, False, False
        self._is_text = attributes.get("t") == "str"

    def _found_value(self, _):
        self._has_value = True

    def _end(self, name):
        if name.rpartition(":")[2] != "c":
            return
        self._parser.CharacterDataHandler = None
        if self._formula and not self._has_value:
            self.without_value.append(self._cell())
        if not (self._formula or self._has_value):
            return
        self.n_values += 1
        self.first = self.first or self._row
        if self._row == self.first:
            self.n_columns = self._column
        elif self._column > self.n_columns and not self.outside:
            self.outside = self._cell()
        self.last = self._row
        if self._row_is_hidden and self.hidden[-1:] != [self._row]:
            self.hidden.append(self._row)

    def _cell(self):
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(self._column)}{self._row}"

    def check(self, title):
        """Refuse what cannot be read for certain."""
        where = f"in its sheet {title!r}"
        if self.outside:
            raise TableRefused(
                f"{where}, cell {self.outside} lies outside of the table, whose {self.n_columns} "
                f"headings are in row {self.first}: give its column a heading, or empty it"
            )
        if self.hidden:
            raise TableRefused(
                f"{where}, {_listed('row', self.hidden)} hidden: show these rows, or delete them, "
                "so that it is clear whether they count"
            )
        if self.merged:
            raise TableRefused(
                f"{where}, {_listed('cell', self.merged)} merged: split them and fill in each cell"
            )
        if self.without_value:
            raise TableRefused(
                f"{where}, {_listed('cell', self.without_value)} of a formula without a value: "
                "open the file in Excel and save it, or write values in place of formulas"
            )
        if self.n_rows * self.n_columns > _ALWAYS_CELLS + _MOST_EMPTY * self.n_values:
            raise TableRefused(
                f"{where}, {self.n_rows:,} rows of {self.n_columns:,} columns hold no more than "
                f"{self.n_values:,} values: save the table as CSV or Parquet"
            )


def _refuse_doctype(*_):
    raise TableRefused("its XML has a document type, which no workbook has")


def _column_number(reference):
    number = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        number = 26 * number + ord(letter) - 64
    return number


def _listed(word, found):
    """Write which rows or cells, as the beginning of a sentence."""
    shown = ", ".join(map(str, found[:5])) + (f" and {len(found) - 5} more" * (len(found) > 5))
    return f"{word} {shown} is" if len(found) == 1 else f"{word}s {shown} are"


def _read_cells(sheet, shape, needs_exact_text):
    sheet.reset_dimensions()  # what the file says of them is not trusted
    if not shape.first:
        return [], [], []
    cells = sheet.iter_rows(min_row=shape.first, max_row=shape.last, max_col=shape.n_columns)
    headings = [_text(cell, False) for cell in next(cells)]
    exact = [needs_exact_text(heading) for heading in headings]
    rows, numbers, empty = [], [], None
    for number, row in enumerate(cells, shape.first + 1):
        if row is empty:  # openpyxl fills a gap with one and the same
            continue
        texts = [_text(cell, name) for cell, name in zip(row, exact, strict=True)]
        if any(text is not None for text in texts):
            rows.append(texts)
            numbers.append(number)
        else:
            empty = row
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in headings]
    return headings, columns, numbers


def _text(cell, is_name):
    """Write a cell's value; `is_name`: whether what is not certain is refused."""
    value = cell.value
    if value is None or isinstance(value, str):
        if is_name and value and cell.data_type == "e":
            raise TableRefused(f"its cell {cell.coordinate} holds the error {value}")
        return value or None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return _number_text(cell, value, is_name)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return str(value)


def _number_text(cell, value, is_name):
    if is_name and abs(value) >= 10**_DIGITS_KEPT:
        raise TableRefused(
            f"its cell {cell.coordinate} holds a number of more than {_DIGITS_KEPT} digits, of "
            "which Excel keeps no more: write names as text"
        )
    padded = _PADDED.fullmatch(cell.number_format)
    if padded and value >= 0:
        decimals = len(padded[2] or "")
        width = len(padded[1]) + (decimals + 1 if decimals else 0)
        shown = f"{value:0{width}.{decimals}f}"
        if float(shown) == value:
            return shown
    whole = value == value and abs(value) < 2**63 and value == int(value)
    return str(int(value)) if whole else repr(value)
