"""Make the pictures of the README: a page and a plot, of pictures that the package makes.

``python tools/make_screenshots.py`` needs Chromium and matplotlib, and writes ``docs/_static/``.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from sklearn_ssafe import GeneratorGroupKFold, SSAFEClassifier, evaluation_report
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.labels import keep_together
from sklearn_ssafe.metrics import GeneratorReportDisplay

FOLDER = Path(__file__).parents[1] / "docs" / "_static"
WIDTH, HEIGHT = 1000, 860


def main():
    """Train on some generators, evaluate on the others, and take the pictures."""
    data = make_generated_images(n_samples=480, image_size=160, random_state=0)
    units = keep_together(data.generator, data.source)
    train, test = next(GeneratorGroupKFold(3).split(data.X, data.y, units))
    detector = SSAFEClassifier(target_fpr=0.1).fit(
        data.X[train], data.y[train], generator=data.generator[train], source=data.source[train]
    )
    page = evaluation_report(
        detector,
        data.X[test],
        data.y[test],
        generator=data.generator[test],
        source=data.source[test],
        title="A detector of pictures made for the documentation",
    )
    with tempfile.TemporaryDirectory() as folder:
        page.save(Path(folder) / "page.html")
        take(Path(folder) / "page.html", FOLDER / "evaluation_page.png")
    display = GeneratorReportDisplay.from_result(page.report)
    display.figure_.set_size_inches(7, 4)
    display.figure_.savefig(FOLDER / "plot_by_generator.png", dpi=100, bbox_inches="tight")
    shrink(FOLDER / "plot_by_generator.png")


def take(page, file):
    """Photograph the top of a page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = f"--window-size={WIDTH},{HEIGHT}"
    command = [browser, *flags, size, f"--screenshot={file}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    shrink(file)


def shrink(file):
    """Write a PNG of 128 colours."""
    with Image.open(file) as image:
        small = image.convert("RGB").quantize(128)
    small.save(file, optimize=True)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    main()
