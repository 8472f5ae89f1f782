import numpy as np
import pytest

from sklearn_ssafe import SSAFEClassifier, evaluation_report
from sklearn_ssafe.datasets import make_generated_images

from ..grey_detector import GreyDetector, grey_files

QUICK = {"n_resamples": 0, "verbose": False, "audit": False, "thumbnails": False}


@pytest.fixture(scope="module")
def judged():
    """A detector that may be unsure, pictures, and the page on them."""
    pictures = make_generated_images(120, image_size=64, random_state=0)
    known = {"generator": pictures.generator, "source": pictures.source}
    rates = {"fpr": 0.2, "fnr": 0.2, "stability": True}
    detector = SSAFEClassifier(abstain=rates, confidence_level=None, cv=None)
    detector.fit(pictures.X, pictures.y, **known)
    page = evaluation_report(detector, pictures.X, pictures.y, **known, **QUICK)
    name = np.where(pictures.y == 1, pictures.generator, pictures.source)
    return detector.predict_verdict(pictures.X), np.asarray(pictures.y), name, page


def test_three_verdicts_are_counted_by_name(judged):
    verdict, y, name, page = judged
    facts = page.facts["unsure"]
    assert {"real", "unsure", "generated"} == set(verdict)
    assert len(facts["rows"]) == len(set(zip(y, name, strict=True)))
    for row in facts["rows"]:
        mine = (name == row["name"]) & (y == (row["class"] == "generated"))
        assert row["pictures"] == mine.sum()
        for said in ("real", "unsure", "generated"):
            assert row[f"{said}_share"] == (verdict[mine] == said).mean()
    real = facts["own"]["real"]
    assert real["coverage"] == pytest.approx((verdict != "unsure")[y == 0].mean())
    assert real["risk"] == pytest.approx((verdict == "generated")[y == 0].mean())
    worst = max(
        (verdict == "generated")[(y == 0) & (name == each)].mean() for each in set(name[y == 0])
    )
    assert real["worst_risk"] == pytest.approx(worst)


def test_the_page_says_it(judged):
    verdict, y, _, page = judged
    (sentence,) = (text for text in page.facts["verdict"]["points"] if text.startswith("Unsure"))
    share = f"{(verdict == 'unsure')[y == 0].mean():.0%}".replace("%", " %")
    assert f"Unsure: {share} of the real pictures" in sentence
    html = page.to_html()
    assert 'id="unsure"' in html
    assert "Table of three verdicts" in html
    table = page.facts["pictures"]
    said = [table["verdicts"][place] for place in table["verdict"]]
    assert said == verdict.tolist()


def test_a_detector_that_is_never_unsure_has_the_curve_alone(tmp_path):
    names = {"camera": (0, 0, 150), "maker": (1, 90, 255)}
    paths, y, labels, value = grey_files(tmp_path, names)
    page = evaluation_report(GreyDetector(), paths, y, **labels, **QUICK)
    facts = page.facts["unsure"]
    assert facts["own"] is None
    assert not facts["rows"]
    first, last = facts["curves"]["real"][0], facts["curves"]["real"][-1]
    assert first[0] == 1
    assert first[1] == pytest.approx(((value > 0.5) & (y == 0)).sum() / (y == 0).sum(), abs=1e-5)
    assert last[1] <= first[1]
    assert "gives a verdict on every picture" in page.to_html()
