"""The page of an evaluation report in a real browser."""

import numpy as np
import pytest

from sklearn_ssafe import evaluation_report

from ..browser import Browser, find_browser
from ..grey_detector import GreyDetector, grey_files

HOSTILE = "<img src=x onerror=hacked()>\"'</script><script>window.hacked=1</script>"
LONG = "a_generator_with_a_name_" * 6
NAMES = {
    "camera": (0, 0, 90),
    "phone": (0, 60, 150),
    HOSTILE: (1, 140, 255),
    LONG: (1, 100, 240),
    "sd 2": (1, 0, 120),
    "sd 10": (1, 60, 120),
}


@pytest.fixture(scope="module")
def browser():
    tab = Browser(find_browser())
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    paths, y, labels, _ = grey_files(tmp_path_factory.mktemp("grey"), NAMES, n_each=15)
    paths[3] = "/<script>window.hacked=1</script>/&amp;.png"
    how = {"robustness": {"gamma": [0.5, 2]}, "n_resamples": 100, "verbose": False}
    return evaluation_report(GreyDetector(), paths, y, **labels, **how, title=HOSTILE)


@pytest.fixture
def opened(browser, page, tmp_path):
    browser.open(page.save(tmp_path / "report.html"))
    return browser


def names_in(browser, table=0):
    return browser.run(
        f"[...document.querySelectorAll('.sortable')[{table}].tBodies[0].rows]"
        ".map(row => row.children[0].dataset.value)"
    )


def numbers(browser):
    return browser.run(
        "Object.fromEntries(['tn', 'fp', 'fn', 'tp']"
        ".map(id => [id, Number(document.getElementById(id).textContent)]))"
    )


def test_the_console_is_silent_and_nothing_is_loaded(opened):
    assert opened.messages == []
    assert opened.requests[0].startswith("file:")
    assert {url.partition(":")[0] for url in opened.requests[1:]} <= {"data"}
    pictures = "[...document.images].map(image => image.complete && image.naturalWidth > 0)"
    assert set(opened.run(pictures)) == {True}


def test_names_of_files_are_text_and_nothing_else(opened, page):
    assert opened.run("typeof window.hacked") == "undefined"
    assert opened.run("document.scripts.length") == 3  # two of them are data
    assert opened.run("document.querySelector('h1').textContent") == HOSTILE
    assert HOSTILE in names_in(opened)
    assert "&amp;.png" in opened.run("document.querySelector('.failures').textContent")


def test_a_click_sorts_and_another_turns_round(opened, page):
    rows = [row for row in page.facts["rows"] if row["class"] == "generated"]
    assert len(rows) == 4
    heading = ".sortable th:nth-child(3)"
    opened.click(f"{heading} button")
    found = sorted((row["tpr"] for row in rows), reverse=True)
    shown = (
        "[...document.querySelector('.sortable').tBodies[0].rows]"
        ".map(row => Number(row.children[2].dataset.value))"
    )
    assert opened.run(shown) == pytest.approx(found)
    assert opened.run(f"document.querySelector('{heading}').ariaSort") == "descending"
    opened.click(f"{heading} button")
    assert opened.run(shown) == pytest.approx(found[::-1])
    assert opened.run(f"document.querySelector('{heading}').ariaSort") == "ascending"


def test_the_keyboard_sorts(opened):
    opened.run("document.querySelector('.sortable th:first-child button').focus()")
    opened.press("Enter", "\r")
    names = names_in(opened)
    assert names.index("sd 2") < names.index("sd 10")  # as people count
    assert names[1:] == [LONG, "sd 2", "sd 10"]
    opened.press("Enter", "\r")
    assert names_in(opened) == names[::-1]
    opened.press("Tab")
    opened.press("Enter", "\r")
    sorted_by = "document.querySelector('.sortable [aria-sort]').textContent.trim()"
    assert opened.run(sorted_by) == "Pictures"


def test_missing_figures_come_last_whichever_way_round(opened):
    cells = "document.querySelectorAll('.sortable')[0].tBodies[0].rows"
    opened.run(f"{cells}[1].children[2].dataset.value = ''")
    last = f"{cells}[3].children[2].dataset.value"
    for _ in range(2):
        opened.click(".sortable th:nth-child(3) button")
        assert opened.run(last) == ""


def test_the_slider_moves_every_figure(opened, page):
    scores = page.report.scores
    generated, score = scores["generated"].to_numpy(), scores["score"].to_numpy()
    table = page.facts["by_threshold"]

    def expected(place):
        called = score >= table["thresholds"][place]
        return {
            "tn": (~generated & ~called).sum(),
            "fp": (~generated & called).sum(),
            "fn": (generated & ~called).sum(),
            "tp": (generated & called).sum(),
        }

    assert numbers(opened) == expected(table["own"])
    assert opened.run("document.getElementById('own').disabled")
    opened.run("document.getElementById('slider').focus()")
    for _ in range(12):
        opened.press("ArrowLeft")
    place = table["own"] - 12
    assert opened.run("Number(document.getElementById('slider').value)") == place
    assert numbers(opened) == expected(place)
    false, true = (
        expected(place)["fp"] / (~generated).sum(),
        expected(place)["tp"] / generated.sum(),
    )
    for prevalence in (0.5, 0.1, 0.01):
        wrong = false * (1 - prevalence) / (false * (1 - prevalence) + true * prevalence)
        shown = opened.run(
            f"document.querySelector('[data-prevalence=\"{prevalence}\"]').textContent"
        )
        assert float(shown.removesuffix(" %")) == pytest.approx(100 * wrong, abs=0.5)
    camera = (scores["name"] == "camera").to_numpy()
    called = (score[camera] >= table["thresholds"][place]).sum()
    line = "[...document.querySelectorAll('[data-name]')].find(r => r.innerText.includes('camera'))"
    assert opened.run(f"{line}.cells[2].textContent").endswith(f"({called} of {camera.sum()})")
    assert "false positives" in opened.run("document.getElementById('slider').ariaValueText")
    assert (
        opened.run("getComputedStyle(document.getElementById('scores-moved')).visibility")
        == "visible"
    )
    opened.press("Home")
    assert numbers(opened) == {"tn": 0, "fp": (~generated).sum(), "fn": 0, "tp": generated.sum()}
    opened.press("End")
    assert numbers(opened) == {"tn": (~generated).sum(), "fp": 0, "fn": generated.sum(), "tp": 0}
    opened.click("#own")
    assert numbers(opened) == expected(table["own"])
    assert opened.messages == []


@pytest.mark.parametrize("width", [320, 375, 768, 1100])
def test_it_fits_every_width(opened, width):
    opened.resize(width, 800)
    assert opened.run("document.documentElement.scrollWidth") == width
    opened.run("document.querySelector('details').open = true")
    assert opened.run("document.documentElement.scrollWidth") == width


def test_the_threshold_is_marked_where_it_is(opened, page):
    pooled = page.facts["rows"][-1]
    point = opened.run(
        "(() => { const c = document.getElementById('roc-moved');"
        "return [c.cx.baseVal.value, c.cy.baseVal.value, c.dataset.left, c.dataset.width,"
        "c.dataset.bottom, c.dataset.height].map(Number); })()"
    )
    x, y, left, width, bottom, height = point
    np.testing.assert_allclose((x - left) / width, pooled["fpr"], atol=1e-3)
    np.testing.assert_allclose((bottom - y) / height, pooled["tpr"], atol=1e-3)


def test_it_prints_with_everything_unfolded(opened):
    assert opened.run("document.querySelector('details').open") is False
    pdf = opened.pdf()
    assert pdf.startswith(b"%PDF")
    assert 3 <= pdf.count(b"/Type /Page\n") <= 12
    assert opened.run("document.querySelector('details').open") is True


def test_a_notebook_shows_it_in_a_frame_of_its_own(browser, page, tmp_path):
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><meta charset=utf-8><p>above</p>{page._repr_html_()}", "utf-8")
    browser.open(cell)
    assert browser.messages == []
    assert browser.run("typeof window.hacked") == "undefined"
    assert browser.run("document.querySelector('iframe').clientHeight") > 400
    assert browser.run("getComputedStyle(document.querySelector('p')).maxWidth") == "none"


def test_without_scripts_all_but_the_slider_is_there(opened, page, tmp_path):
    opened.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.open(page.save(tmp_path / "report.html"))
        assert "needs JavaScript" in opened.run("document.querySelector('noscript p').innerText")
    finally:
        opened.send("Emulation.setScriptExecutionDisabled", value=False)
