"""Looking through many judged pictures, in a real browser."""

import numpy as np
import pytest

from sklearn_ssafe import evaluation_report
from sklearn_ssafe.evaluation_page import browse_verdicts

from ..browser import Browser, find_browser
from ..conftest import encoded, picture
from ..grey_detector import GreyDetector, grey_files

HOSTILE = "</script><img src=x onerror=hacked()>&amp;\u2028.png"
MANY = 10_000
TILES = "document.querySelectorAll('.tile-of')"
PATHS = f"[...{TILES}].map(tile => tile.querySelector('.path').textContent)"
COUNT = "document.getElementById('shown-count').textContent"
IMAGES = f"[...{TILES}].map(tile => tile.querySelector('img'))"


@pytest.fixture(scope="module")
def browser():
    tab = Browser(find_browser())
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def many():
    """Names, scores and verdicts, some of them none."""
    rng = np.random.default_rng(0)
    names = [f"folder/{row:05d}.jpg" for row in range(MANY)]
    names[17] = HOSTILE
    score = rng.uniform(size=MANY).round(6)
    score[99] = np.nan
    verdict = np.where(score >= 0.5, "generated", "real").astype(object)
    verdict[99] = ""
    return names, score, verdict


@pytest.fixture
def opened(browser, many, tmp_path):
    page = browse_verdicts(*many, reason={99: "it is no picture"}, threshold=0.5)
    browser.open(page.save(tmp_path / "verdicts.html"))
    return browser


def choose(browser, name, value):
    browser.run(
        f"(() => {{ const e = document.getElementById('{name}'); e.value = '{value}';"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def settle(browser):
    """Wait until the browser has drawn: a scroll event comes with the next frame."""
    browser.send(
        "Runtime.evaluate",
        expression="new Promise(done => requestAnimationFrame(() => setTimeout(done)))",
        awaitPromise=True,
    )


def test_ten_thousand_pictures_are_a_few_elements(opened, many):
    names, score, _ = many
    assert opened.run(COUNT).startswith("10,000 of 10,000 pictures.")
    best_first = np.argsort(-score, kind="stable")
    shown = opened.run(PATHS)
    assert 10 < len(shown) < 100
    assert shown == [names[row] for row in best_first[: len(shown)]]
    assert opened.messages == []
    assert len(opened.requests) == 1


def test_it_scrolls_to_any_place(opened, many):
    names, score, _ = many
    opened.run("document.getElementById('viewport').scrollTop = 30 * 5000")
    settle(opened)
    shown = opened.run(PATHS)
    assert names[np.argsort(-score, kind="stable")[5005]] in shown
    assert len(shown) < 100


def test_it_filters_and_sorts(opened, many):
    names, score, verdict = many
    choose(opened, "by-verdict", "=generated")
    assert opened.run(COUNT).startswith(f"{(verdict == 'generated').sum():,} of")
    choose(opened, "order", "low")
    called = np.flatnonzero(verdict == "generated")
    assert opened.run(PATHS)[0] == names[called[np.argmin(score[called])]]
    choose(opened, "by-text", "/0123")
    wanted = [row for row in range(1230, 1240) if verdict[row] == "generated"]
    assert sorted(opened.run(PATHS)) == [names[row] for row in wanted]
    choose(opened, "by-verdict", "=")
    choose(opened, "by-text", "")
    assert opened.run(PATHS) == [names[99]]
    assert "not judged" in opened.run(f"{TILES}[0].textContent")
    choose(opened, "by-text", "nothing is called so")
    assert opened.run(PATHS) == []
    assert opened.run(COUNT).startswith("0 of 10,000")


def test_names_are_text_and_nothing_else(opened):
    choose(opened, "by-text", "onerror")
    assert opened.run(PATHS) == [HOSTILE.replace("\u2028", r"\u2028")]
    assert opened.run("typeof window.hacked") == "undefined"
    assert opened.run("document.images.length") == 0


def test_the_keyboard_moves_opens_and_closes(opened, many):
    names, score, _ = many
    best_first = [names[row] for row in np.argsort(-score, kind="stable")]
    here = "document.querySelector('.tile-of.current .path').textContent"
    opened.run("document.getElementById('viewport').focus()")
    opened.press("ArrowDown")
    opened.press("ArrowDown")
    assert opened.run(here) == best_first[2]
    opened.press("End")
    assert opened.run(here) == names[99]  # what has no score comes last
    opened.press("Enter", "\r")
    assert opened.run("document.getElementById('one').open")
    assert "it is no picture" in opened.run("document.getElementById('one-facts').textContent")
    opened.press("ArrowLeft")
    assert opened.run("document.getElementById('one-title').textContent") == best_first[-2]
    opened.press("Escape")
    assert not opened.run("document.getElementById('one').open")
    opened.press("Home")
    opened.press("PageDown")
    height = opened.run("document.getElementById('viewport').clientHeight")
    assert opened.run(here) == best_first[height // 30]
    assert opened.messages == []


@pytest.mark.parametrize("width", [320, 768])
def test_it_fits_every_width(opened, width):
    opened.resize(width, 800)
    assert opened.run("document.documentElement.scrollWidth") == width


# With pictures -----------------------------------------------------------------------------------


def test_thumbnails_come_from_a_folder_beside_the_page(browser, tmp_path):
    paths = []
    for row in range(300):
        paths.append(tmp_path / f"{row:03d}.png")
        paths[-1].write_bytes(encoded(picture(row), "PNG"))
    paths[7].write_bytes(b"no picture")
    score = np.linspace(1, 0, 300)
    page = browse_verdicts(paths, score, np.where(score > 0.5, "generated", "real"))
    saved = page.save(tmp_path / "my page #1.html", thumbnail_folder=True, verbose=False)
    folder = tmp_path / "my page #1_thumbnails"
    assert len(list(folder.iterdir())) == 299
    browser.open(saved)
    settle(browser)
    loaded = browser.run(f"Promise.all({IMAGES}.filter(i => i).map(i => i.decode())).then(() => 1)")
    assert loaded is not None
    assert "no picture" in browser.run(f"{TILES}[7].textContent")
    asked = {url.rpartition("/")[2] for url in browser.requests[1:]}
    assert "0.jpg" in asked
    assert "7.jpg" not in asked
    assert len(asked) < 100
    assert browser.messages == []
    assert "_thumbnails" not in page.to_html()


def test_the_evaluation_page_lists_all_judged_pictures(browser, tmp_path):
    names = {"camera": (0, 0, 160), "sd": (1, 100, 255)}
    paths, y, labels, _ = grey_files(tmp_path, names, n_each=20)
    paths[3] = "nowhere.png"
    page = evaluation_report(
        GreyDetector(), paths, y, **labels, n_resamples=0, audit=False, verbose=False
    )
    table = page.facts["pictures"]
    scores = page.report.scores
    assert table["score"] == pytest.approx(scores["score"].tolist(), rel=1e-5)
    assert [table["labels"][k] for k in table["label"]] == [
        "generated" if g else "real" for g in scores["generated"]
    ]
    assert len(page.pictures) == 39
    browser.open(page.save(tmp_path / "page.html", thumbnail_folder=True, verbose=False))
    assert browser.run(COUNT).startswith("39 of 39")
    choose(browser, "by-verdict", "wrong")
    wrong = sum(
        table["verdicts"][v] != table["labels"][k]
        for v, k in zip(table["verdict"], table["label"], strict=True)
    )
    assert 0 < wrong < 39
    assert browser.run(COUNT).startswith(f"{wrong} of 39")
    choose(browser, "by-label", "=real")
    choose(browser, "by-name", "=camera")
    assert browser.run(COUNT).startswith(f"{page.facts['errors']['n_false_positives']} of 39")
    settle(browser)
    assert browser.messages == []


def test_fiftyone_takes_the_pictures(tmp_path):
    fiftyone = pytest.importorskip("fiftyone")
    paths, y, labels, _ = grey_files(tmp_path, {"camera": (0, 0, 90), "sd": (1, 140, 255)}, 5)
    page = evaluation_report(GreyDetector(), paths, y, **labels, n_resamples=0, audit=False)
    dataset = page.to_fiftyone()
    assert isinstance(dataset, fiftyone.Dataset)
    assert dataset.values("filepath") == [str(path) for path in paths]
    assert dataset.values("ground_truth.label") == ["real"] * 5 + ["generated"] * 5
    assert dataset.values("prediction.score") == pytest.approx(page.facts["pictures"]["score"])
    assert dataset.values("name") == ["camera"] * 5 + ["sd"] * 5
    dataset.delete()


def test_what_fiftyone_cannot_open_is_named(monkeypatch):
    page = browse_verdicts([encoded(picture(0))], [0.5], ["real"])
    monkeypatch.setitem(__import__("sys").modules, "fiftyone", None)
    with pytest.raises(ImportError, match="pip install fiftyone"):
        page.to_fiftyone()
    monkeypatch.setitem(__import__("sys").modules, "fiftyone", object())
    with pytest.raises(ValueError, match="1 of 1 pictures are none; the first is in row 0"):
        page.to_fiftyone()


def test_columns_have_to_fit():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        browse_verdicts(["a.jpg"], [0.1, 0.2], ["real", "real"])


def test_what_a_table_holds_is_taken():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"score": [0.5, None, None], "verdict": ["real", None, float("nan")]})
    page = browse_verdicts(["a.jpg", "b.jpg", "c.jpg"], table["score"], table["verdict"])
    assert page.frame()["verdict"].tolist() == ["real", "", ""]
    with pytest.raises(ValueError, match="should be a 1d array, got an array of shape"):
        browse_verdicts(["a.jpg", "b.jpg"], [[0.1, 0.9], [0.2, 0.8]], ["real", "real"])
