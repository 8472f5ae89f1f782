"""What is asked of a file: format, dimensions, JPEG tables, colour, metadata, time and path."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import numpy as np
from scipy.sparse import csr_array

from .predictors import (
    FEWEST_OF_A_CLASS,
    KindPredictor,
    MeanDifferencePredictor,
    need_both_classes,
    sort_into_kinds,
)
from .result import Example, Finding, Kind, NotRun

_MOST_KINDS_SHOWN = 12
_EXAMPLES_OF_A_CLASS = 3


@dataclass(frozen=True)
class PropertyCheck:
    """Whether one property of a file tells the classes apart.

    `value` takes `FileFacts`, or `PixelFacts` where `of` is "pixels", and returns the property,
    None where it is not known. `show` writes a number in words, where neighbours are alike; the
    rest is as of `Finding`.
    """

    code: str
    title: str
    severity: str
    advice: str
    value: Callable
    show: Callable | None = None
    of: str = "facts"

    def predictor(self, pictures):
        """Sort the pictures into kinds; NotRun if too few of a class have the property."""
        values = [self.value(facts) for facts in getattr(pictures, self.of)]
        rows = np.array([row for row, value in enumerate(values) if value is not None], dtype=int)
        need_both_classes(pictures.y[rows])
        code, names = sort_into_kinds([values[row] for row in rows], show=self.show)
        return KindPredictor(rows, code, names)

    def matters(self, pictures, predictor, auc, min_auc):
        """Whether the AUC is large enough, or ten pictures have a value that gives all away."""
        return auc >= min_auc or predictor.one_sided(pictures.y).max() >= FEWEST_OF_A_CLASS

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found."""
        y, code = pictures.y[predictor.rows], predictor.code
        n_kinds = len(predictor.names)
        generated = np.bincount(code[y == 1], minlength=n_kinds)
        real = np.bincount(code[y == 0], minlength=n_kinds)
        order = np.argsort(-(generated + real), kind="stable")[:_MOST_KINDS_SHOWN]
        excess = generated / generated.sum() - real / real.sum()
        examples = []
        for label, kind in ((0, np.argmin(excess)), (1, np.argmax(excess))):
            for row in predictor.rows[(code == kind) & (y == label)][:_EXAMPLES_OF_A_CLASS]:
                examples.append(Example.of(pictures, row, predictor.names[kind]))
        return Finding(
            code=self.code,
            title=self.title,
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(predictor.rows),
            advice=self.advice,
            kinds=tuple(
                Kind(predictor.names[kind], int(real[kind]), int(generated[kind])) for kind in order
            ),
            examples=tuple(examples),
        )


_EQUALIZE = "Bring both classes to one codec and quality: equalize(...), or ssafe equalize."

_FORMAT = [
    PropertyCheck(
        code="format",
        title="file format",
        severity="leak",
        advice=_EQUALIZE
        + " What lossy compression has done to the pixels before stays in them: best are sources "
        "that were lossy, or lossless, on both sides.",
        value=lambda facts: facts.format,
    ),
    PropertyCheck(
        code="bytes_per_pixel",
        title="bytes per pixel",
        severity="leak",
        advice=_EQUALIZE
        + " Where it is left after that, one class has more detail than the other; that may be "
        "content, or the trace of a generator.",
        value=lambda facts: facts.n_bytes and facts.n_bytes / (facts.width * facts.height),
        show="{:.3g}".format,
    ),
]


_CROP = (
    "Crop both classes to one size before encoding: equalize(..., size=...). Do not enlarge, and "
    "do not shrink one class more than the other."
)

_DIMENSION = [
    PropertyCheck(
        code="dimensions",
        title="width x height",
        severity="leak",
        advice=_CROP,
        value=lambda facts: f"{facts.width} x {facts.height}",
    ),
    PropertyCheck(
        code="pixels",
        title="number of pixels",
        severity="leak",
        advice=_CROP,
        value=lambda facts: facts.width * facts.height,
        show="{:,.0f}".format,
    ),
    PropertyCheck(
        code="aspect",
        title="width / height",
        severity="leak",
        advice=_CROP + " An encoder that squashes to a square distorts one class alone.",
        value=lambda facts: facts.width / facts.height,
        show="{:.4g}".format,
    ),
    PropertyCheck(
        code="square",
        title="square or not",
        severity="leak",
        advice=_CROP + " An encoder that squashes to a square distorts one class alone.",
        value=lambda facts: "square" if facts.width == facts.height else "not square",
    ),
    PropertyCheck(
        code="multiples_of_64",
        title="both sides multiples of 64",
        severity="leak",
        advice=_CROP,
        value=lambda facts: "yes" if facts.width % 64 == facts.height % 64 == 0 else "no",
    ),
]


_DROP = (
    "Pixels do not show it, so detectors from pixels are not misled. Make no column of it, and "
    "drop it before pictures go to tools that read it: equalize(...)."
)

_HISTORY = (
    "Compress both classes alike: equalize(...). That does not undo the first compression, of "
    "which a trace stays in the pixels; best are originals of like quality on both sides."
)

_JPEG = [
    PropertyCheck(
        code="jpeg_quality",
        title="JPEG quality",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.jpeg_quality,
        show="{:.0f}".format,
    ),
    PropertyCheck(
        code="jpeg_tables",
        title="JPEG quantisation tables",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.jpeg_tables,
    ),
    PropertyCheck(
        code="subsampling",
        title="JPEG chroma subsampling",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.subsampling,
    ),
    PropertyCheck(
        code="jpeg_scan",
        title="progressive or baseline JPEG",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.jpeg_scan,
    ),
]


_ONE_MODE = "Store both classes as 8-bit RGB without transparency: equalize(...)."

_COLOUR = [
    PropertyCheck(
        code="colour_mode",
        title="colour mode",
        severity="leak",
        advice=_ONE_MODE
        + " Grey pictures and palettes stay visible as such: leave them out, or have them on both "
        "sides.",
        value=lambda facts: facts.colour_mode,
    ),
    PropertyCheck(
        code="alpha",
        title="transparency",
        severity="leak",
        advice=_ONE_MODE,
        value=lambda facts: "transparency" if facts.has_alpha else "opaque",
    ),
    PropertyCheck(
        code="bit_depth",
        title="bits a channel",
        severity="leak",
        advice=_ONE_MODE,
        value=lambda facts: facts.bit_depth,
        show="{:.0f}".format,
    ),
    PropertyCheck(
        code="icc_profile",
        title="colour profile (ICC)",
        severity="leak",
        advice="Profiles are not applied when a picture is read, so colours shift with them. "
        "Convert to sRGB beforehand where that matters, then drop the profile: equalize(...).",
        value=lambda facts: facts.icc_profile,
    ),
]


_METADATA = [
    PropertyCheck(
        code="metadata",
        title="kinds of metadata",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.metadata,
    ),
    PropertyCheck(
        code="camera",
        title="camera by EXIF",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.camera,
    ),
    PropertyCheck(
        code="c2pa",
        title="C2PA manifest",
        severity="note",
        advice=_DROP + " As evidence about one picture it is worth more than any detector.",
        value=lambda facts: (
            None if facts.has_c2pa is None else ("C2PA" if facts.has_c2pa else "none")
        ),
    ),
    PropertyCheck(
        code="resolution",
        title="resolution tag",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.resolution,
    ),
    PropertyCheck(
        code="generator_text",
        title="text that names a generator",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.named_generator,
    ),
]


_MODIFIED = PropertyCheck(
    code="modified",
    title="time of last change",
    severity="note",
    advice="Make no column of it.",
    value=lambda facts: facts.modified and int(facts.modified),
    show=lambda seconds: datetime.fromtimestamp(seconds).isoformat(" ", "seconds"),
)


_FEWEST_PATHS = 4
_N_WORDS = 10
_WORDS_SHOWN = 5
_HEXADECIMAL = re.compile(r"^(?=.*\d)[0-9a-f]{6,}$")


@dataclass(frozen=True)
class PathCheck:
    """Whether words in the path tell the classes apart."""

    code: str = "path"
    title: str = "words in the path"
    severity: str = "note"
    advice: str = "Usual where folders are named after the class. Make no column of it."

    def predictor(self, pictures):
        """See each path as the set of its words."""
        paths = [facts.path for facts in pictures.facts]
        rows = np.array([row for row, path in enumerate(paths) if path is not None], dtype=int)
        need_both_classes(pictures.y[rows])
        words = [words_of_path(paths[row]) for row in rows]
        count = {}
        for word in (word for found in words for word in found):
            count[word] = count.get(word, 0) + 1
        telling = [w for w, n in count.items() if _FEWEST_PATHS <= n < len(rows)]
        if not telling:
            raise NotRun("no word stands in the paths of some pictures and not of others")
        number = {word: column for column, word in enumerate(telling)}
        cells = [
            (row, number[word]) for row, found in enumerate(words) for word in found & number.keys()
        ]
        ends = tuple(np.array(cells).T)
        shape = (len(rows), len(telling))
        features = csr_array((np.ones(len(cells), dtype=np.float32), ends), shape)
        predictor = MeanDifferencePredictor(rows, features, _N_WORDS)
        predictor.words = telling
        return predictor

    def matters(self, pictures, predictor, auc, min_auc):
        """Whether the AUC is large enough."""
        return auc >= min_auc

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found."""
        y = pictures.y[predictor.rows]
        present = predictor.features
        generated, real = (np.asarray(present[y == label].sum(axis=0)) for label in (1, 0))
        excess = np.abs(generated / (y == 1).sum() - real / (y == 0).sum())
        order = np.argsort(-excess, kind="stable")[:_WORDS_SHOWN]
        return Finding(
            code=self.code,
            title=self.title,
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(y),
            advice=self.advice,
            kinds=tuple(
                Kind(predictor.words[word], int(real[word]), int(generated[word])) for word in order
            ),
        )


def words_of_path(path):
    """Split a path into words that several pictures may share.

    Figures are written as ``0``, fingerprints in hexadecimal digits as ``<hex>``.

    >>> sorted(words_of_path("set/real/IMG_0042.jpg"))
    ['.jpg', '0', 'img', 'real', 'set']
    """
    path = PurePath(path.lower())
    words = {path.suffix, *path.parent.parts}
    for part in (*path.parent.parts, path.stem):
        words.update(re.split(r"[^0-9a-z]+", part))
    words.discard("")
    return {"<hex>" if _HEXADECIMAL.match(word) else re.sub(r"\d+", "0", word) for word in words}


def number_of_path(path):
    """Return the last whole number in a file's name, None where there is none.

    >>> number_of_path("real2/IMG_0042.jpg"), number_of_path("7/cat.png")
    (42, None)
    """
    # A fingerprint or time in it is a number by chance alone.
    numbers = re.findall(r"(?<![0-9a-f])\d{1,9}(?![0-9a-f])", PurePath(path).stem.lower())
    return int(numbers[-1]) if numbers else None


_NUMBER = PropertyCheck(
    code="path_number",
    title="numbers in file names",
    severity="note",
    advice="Usual where files were numbered class by class. Make no column of it.",
    value=lambda facts: None if facts.path is None else number_of_path(facts.path),
    show="{:.0f}".format,
)


FILE_CHECKS = [
    *_FORMAT,
    *_DIMENSION,
    *_JPEG,
    *_COLOUR,
    *_METADATA,
    _MODIFIED,
    PathCheck(),
    _NUMBER,
]
