"""Excel: the first visible sheet, and nothing guessed."""

import time
import tracemalloc
import zipfile

import pytest

from sklearn_ssafe.datasets import load_manifest
from sklearn_ssafe.datasets.table_in import read_table

from .test_table_in import HEADING, ROWS, edited, workbook

MAIN = b'"http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def refusal(file):
    with pytest.raises(ValueError, match=f"{file.name} is not read: ") as error:
        load_manifest(file)
    return str(error.value)


def test_the_first_sheet_that_is_not_hidden(tmp_path):
    def hide(sheet):
        other = sheet.parent.create_sheet("seen")
        for row in [HEADING, ["z.jpg", 1, "z"]]:
            other.append(row)
        sheet.sheet_state = "hidden"
        sheet.parent.active = 1

    file = workbook(tmp_path / "m.xlsx", ROWS, hide)
    assert load_manifest(file).generator.tolist() == ["z"]
    edited(file, b'state="visible"', b'state="veryHidden"', "xl/workbook.xml")
    assert "it has no visible sheet" in refusal(file)


def test_a_heading_further_down_and_rows_without_values(tmp_path):
    rows = [[], [None, None], HEADING, ["a.jpg", 0], [], [None, " "], ["b.jpg", "cat", "y"]]
    file = workbook(tmp_path / "m.xlsx", rows)
    with pytest.raises(ValueError, match=r"'cat' \(first in row 7\)"):
        load_manifest(file)
    rows[-1][1] = 1
    assert load_manifest(workbook(file, rows)).generator.tolist() == ["", "y"]


def test_hidden_rows(tmp_path):
    def hide(sheet):
        sheet.row_dimensions[3].hidden = True
        sheet.row_dimensions[9].hidden = True  # nothing is lost with it

    file = workbook(tmp_path / "m.xlsx", ROWS, hide)
    assert "in its sheet 'Sheet', row 3 is hidden" in refusal(file)
    file = workbook(tmp_path / "m.xlsx", ROWS)
    edited(file, b"<sheetFormatPr ", b'<sheetFormatPr zeroHeight="1" ')
    assert "rows 1, 2, 3 are hidden" in refusal(file)
    file = workbook(tmp_path / "m.xlsx", ROWS[:2], hide)
    assert load_manifest(file).generator.tolist() == ["x"]


def test_merged_cells(tmp_path):
    file = workbook(tmp_path / "m.xlsx", ROWS, lambda sheet: sheet.merge_cells("C2:C3"))
    assert "cell C2:C3 is merged: split" in refusal(file)


def test_formulas(tmp_path):
    rows = [HEADING, ["a.jpg", 0, '="x"&"y"'], ["b.jpg", 1, "=C2"]]
    file = workbook(tmp_path / "m.xlsx", rows)
    assert "cells C2, C3 are of a formula without a value: open the file in Excel" in refusal(file)
    edited(file, b'<f>"x"&amp;"y"</f><v />', b'<f>"x"&amp;"y"</f><v>xy</v>')
    assert "cell C3 is of a formula without" in refusal(file)
    edited(file, b"<f>C2</f><v />", b"<f>C2</f><v>xy</v>")
    for cell in (b'r="C2"', b'r="C3"'):
        edited(file, cell, cell + b' t="str"')
    assert load_manifest(file).generator.tolist() == ["xy", "xy"]


def test_values_beside_the_table(tmp_path):
    file = workbook(tmp_path / "m.xlsx", [*ROWS, ["c.jpg", 1, "z", None, "a note"]])
    assert "cell E4 lies outside of the table, whose 3 headings are in row 1" in refusal(file)
    # Nothing to lose there.
    file = workbook(tmp_path / "m.xlsx", [*ROWS, ["c.jpg", 1, "z", None, None]])
    assert len(load_manifest(file).X) == 3


def test_what_excel_makes_of_names(tmp_path):
    file = workbook(tmp_path / "m.xlsx", [HEADING, ["a.jpg", 0, 1234567890123456789]])
    assert "cell C2 holds a number of more than 15 digits" in refusal(file)
    file = workbook(tmp_path / "m.xlsx", [HEADING, ["a.jpg", 0, "#N/A"]])
    assert "cell C2 holds the error #N/A" in refusal(file)
    file = workbook(tmp_path / "m.xlsx", [[*HEADING, "x"], [*ROWS[1], "#N/A"], [*ROWS[2], 1]])
    assert load_manifest(file).frame["x"].isna().tolist() == [True, False]


def test_shared_strings_as_excel_writes_them(tmp_path):
    file = workbook(tmp_path / "m.xlsx", [HEADING, ["a.jpg", 0, 1], ["b.jpg", 1, 0]])
    with zipfile.ZipFile(file, "a") as archive:
        words = b"<si><t>0001</t></si><si><r><t>sd</t></r><r><t>xl</t></r>"
        words += b'<rPh sb="0" eb="1"><t>S</t></rPh></si>'
        archive.writestr("xl/sharedStrings.xml", b"<sst xmlns=%s>%s</sst>" % (MAIN, words))
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    edited(file, b"</Types>", part, "[Content_Types].xml")
    for cell in (b"C2", b"C3"):
        with zipfile.ZipFile(file) as archive:
            sheet = archive.read("xl/worksheets/sheet1.xml")
        start = sheet.index(b'<c r="%s"' % cell)
        old = sheet[start : sheet.index(b">", start)]
        edited(file, old, b'<c r="%s" t="s"' % cell)
    assert load_manifest(file).generator.tolist() == ["sdxl", "0001"]


def test_rows_that_stand_twice(tmp_path):
    file = edited(workbook(tmp_path / "m.xlsx", ROWS), b'<row r="3"', b'<row r="2"')
    with pytest.raises(ValueError, match=r"is damaged.*row 2 comes after row 2"):
        load_manifest(file)
    file = edited(workbook(tmp_path / "m.xlsx", ROWS), b'r="C3"', b'r="B3"')
    with pytest.raises(ValueError, match=r"is damaged.*cell B3 comes after"):
        load_manifest(file)


def cost(file):
    """Seconds, and bytes at most, that it takes to refuse a file."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        message = refusal(file)
        return message, tracemalloc.get_traced_memory()[1]
    finally:
        assert time.perf_counter() - started < 60  # hours, were it not refused
        tracemalloc.stop()


def test_a_far_cell_costs_nothing(tmp_path):
    def far(sheet):
        sheet.cell(1_048_576, 16_384).value = "x"

    message, memory = cost(workbook(tmp_path / "m.xlsx", ROWS, far))
    assert "cell XFD1048576 lies outside of the table" in message
    assert memory < 20e6


def test_a_value_far_below_is_a_row(tmp_path):
    def below(sheet):
        sheet.cell(1_048_576, 1).value = "far.jpg"
        sheet.cell(1_048_576, 2).value = 1

    table = read_table(workbook(tmp_path / "m.xlsx", ROWS, below))
    assert table.index.tolist() == [2, 3, 1_048_576]
    assert table["path"].tolist() == ["a.jpg", "b.jpg", "far.jpg"]


def test_wide_rows_without_values(tmp_path):
    file = workbook(tmp_path / "m.xlsx", [[*HEADING, *range(2000)], *ROWS[1:]])
    cells = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (r, r) for r in range(4, 9000))
    message, memory = cost(edited(file, b"</sheetData>", cells + b"</sheetData>"))
    assert "8,999 rows of 2,003 columns hold no more than" in message
    assert memory < 20e6


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "x"])
def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path, member):
    file = workbook(tmp_path / "m.xlsx", ROWS)
    if member == "x":
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x", bytes(30 * 2**20))
    else:
        with zipfile.ZipFile(file) as archive:
            end = archive.read(member)[-20:]
        edited(file, end, b"<si><t>x</t></si>" * 2**21 + end, member)
    message, memory = cost(file)
    assert "bytes unpack to" in message
    assert memory < 20e6


def test_entities_are_refused(tmp_path):
    file = workbook(tmp_path / "m.xlsx", ROWS)
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet '
    assert "document type" in refusal(edited(file, b"<worksheet ", bomb))
