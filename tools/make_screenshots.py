"""Make the pictures of the README: a page and a plot, of pictures that the package makes.

``python tools/make_screenshots.py`` needs Chromium and matplotlib, and writes ``docs/_static/``.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from sklearn_ssafe import SSAFEClassifier, evaluation_report
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.metrics import GeneratorReportDisplay

FOLDER = Path(__file__).parents[1] / "docs" / "_static"
WIDTH, HEIGHT = 1000, 860


def main():
    """Train on some pictures, evaluate on others of the same generators, and take the pictures."""
    data = make_generated_images(n_samples=480, image_size=128, random_state=0)
    train, test = slice(0, 240), slice(240, None)
    detector = SSAFEClassifier(target_fpr=0.2).fit(data.X[train], data.y[train])
    page = evaluation_report(
        detector,
        data.X[test],
        data.y[test],
        generator=data.generator[test],
        source=data.source[test],
        title="A detector of simulated generators, on new pictures of the same",
    )
    with tempfile.TemporaryDirectory() as folder:
        page.save(Path(folder) / "page.html")
        take(Path(folder) / "page.html", FOLDER / "evaluation_page.png")
    display = GeneratorReportDisplay.from_result(page.report)
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
