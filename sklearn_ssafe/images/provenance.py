"""What a picture file claims of where it comes from, and whose word that is."""

import functools
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..public import public
from .errors import ImageReadError
from .picture import as_picture

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "HEIF": "image/heif",
    "AVIF": "image/avif",
}
# IPTC's digital source types, cv.iptc.org/newscodes/digitalsourcetype.
_CLAIMS = {
    "trainedAlgorithmicMedia": "generated",
    "algorithmicMedia": "generated",
    "compositeWithTrainedAlgorithmicMedia": "partly generated",
    "compositeSynthetic": "partly generated",
    "digitalCapture": "camera",
    "computationalCapture": "camera",
    "negativeFilm": "camera",
    "positiveFilm": "camera",
    "print": "camera",
}
# Of the manifest, these alone do not make its signature worthless: nobody vouches for the signer.
_NOT_TRUSTED = {"signingCredential.untrusted"}
# Anybody can put a book into a certificate.
_LONGEST = 100
NOTHING = "nothing found, which says nothing"


@public("sklearn_ssafe.images")
@dataclass(frozen=True)
class Provenance:
    """What a picture file claims of where it comes from. Made by `read_provenance`.

    Attributes
    ----------
    c2pa : str
        State of the C2PA manifest: ``"none"``; ``"trusted"``, signed by somebody whom the trust
        anchors vouch for, and unchanged since; ``"valid"``, unchanged since somebody signed it, for
        whom nobody vouches; ``"invalid"``; ``"remote"``, kept elsewhere and not fetched;
        ``"unreadable"``; ``"not read"``, where the extra ``[c2pa]`` is not installed.
    claim : str
        What the manifest claims of the picture: ``"generated"``, ``"partly generated"``,
        ``"camera"``, or ``""``. Claims of an invalid manifest are not taken over.
    signer : str
        Whose certificate signed it, ``""`` if nobody's.
    signed : str
        When, as a time stamp says; ``""`` without one.
    software : str
        What wrote the manifest.
    problems : tuple of str
        Codes of what is wrong with the manifest, as the C2PA specification names them.
    source_type : str
        IPTC digital source type in the XMP, unsigned; ``""`` if none.
    named_generator : str
        The generator that text or EXIF of the file names, unsigned; ``""`` if none.
    """

    c2pa: str
    claim: str = ""
    signer: str = ""
    signed: str = ""
    software: str = ""
    problems: tuple = ()
    source_type: str = ""
    named_generator: str = ""

    @property
    def says(self):
        """In words, by three rules.

        Nothing found says nothing. A claim is as good as its signer. An unsigned "camera" counts
        for nothing.
        """
        found = [*self._signed_words(), *self._unsigned_words()]
        return "; ".join(found) or NOTHING

    def _signed_words(self):
        claim = {"": "no claim", "camera": "taken by a camera"}.get(self.claim, self.claim)
        why = ", ".join(self.problems) or "no reason given"
        by = self.signer or "a certificate without a name"
        words = {
            "trusted": f"signed by {by}: {claim}",
            "valid": f"signed by {by}, for whom nobody vouches: {claim}",
            "invalid": f"a signature that is not valid ({why}), which says nothing",
            "remote": "a manifest kept elsewhere, which was not fetched",
            "unreadable": "a manifest that cannot be read",
            "not read": "a manifest that was not read: it needs the extra [c2pa]",
        }
        if self.c2pa in words:
            yield words[self.c2pa]

    def _unsigned_words(self):
        claim = _CLAIMS.get(self.source_type, "")
        if claim in ("generated", "partly generated"):
            yield f"unsigned, IPTC: {claim}"
        told = self.named_generator.startswith("IPTC") and "generated" in claim
        if self.named_generator and not told:
            yield f"unsigned, names {self.named_generator}"


@public("sklearn_ssafe.images")
def read_provenance(image, *, trust_anchors=None):
    """Read what a picture file claims of where it comes from, and whose word that is.

    C2PA manifest, IPTC digital source type, and the generator that text or EXIF names. Nothing is
    fetched: no manifest kept elsewhere, no list of revoked certificates. To be shown beside a
    verdict, never to be trained on: marks are easily removed, and easily written.

    Parameters
    ----------
    image : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A file's path, the name of a row in a Parquet file, or a file's content. A picture in memory
        has no file to read.
    trust_anchors : str, Path or None, default=None
        A PEM file with the certificates of the authorities you trust, such as the list that C2PA
        publishes. None: nobody's.

    Returns
    -------
    provenance : Provenance
        ``provenance.says`` has it in words.

    Raises
    ------
    ImageReadError
        The picture is missing, empty, of an unknown format, or a URL.
    FileNotFoundError
        There is no file with trust anchors.
    ValueError
        The trust anchors are no certificates.

    Notes
    -----
    Reading manifests needs ``pip install "sklearn-ssafe[c2pa]"``, which is told where there is one.

    Examples
    --------
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> from sklearn_ssafe.images import read_provenance
    >>> picture = make_generated_images(2, image_size=64, random_state=0).X[0]
    >>> read_provenance(picture).says
    'nothing found, which says nothing'
    """
    anchors = "" if trust_anchors is None else read_anchors(trust_anchors)
    picture = as_picture(image)
    facts = picture.facts()
    if facts.format is None:  # pixels in memory
        return Provenance("none")
    found = {"c2pa": "none"}
    if facts.format in _MEDIA_TYPES:
        found = _manifest(picture.content(), _MEDIA_TYPES[facts.format], facts.has_c2pa, anchors)
    return Provenance(
        **found,
        source_type=facts.source_type or "",
        named_generator=facts.named_generator or "",
    )


def read_anchors(path):
    """Return the text of a PEM file with certificates."""
    text = Path(path).expanduser().read_text(encoding="utf-8", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError(f"{path} holds no certificates in PEM form")
    return text


def provenance_words(image, trust_anchors=None):
    """Return what is to stand beside a verdict, "" where the picture cannot be read."""
    try:
        return read_provenance(image, trust_anchors=trust_anchors).says
    except ImageReadError:
        return ""


def _manifest(content, media_type, there, anchors):
    """Read the manifest of a file's content, if there is one."""
    try:
        import c2pa
    except ImportError:
        return {"c2pa": "not read" if there else "none"}
    try:
        reader = c2pa.Reader.try_create(media_type, io.BytesIO(content), context=_context(anchors))
        if reader is None:
            return {"c2pa": "none"}
        with reader:
            facts = json.loads(reader.json())
    except c2pa.C2paError as error:
        elsewhere = "remote manifest" in str(error).lower()
        return {"c2pa": "remote" if elsewhere else "unreadable", "problems": (str(error),)}
    return _facts(facts)


@functools.lru_cache(4)
def _context(anchors):
    """Return settings of the library under which it never asks the network."""
    import c2pa

    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
    try:
        return c2pa.Context(c2pa.Settings.from_dict(settings))
    except c2pa.C2paError as error:
        raise ValueError(f"the trust anchors cannot be used: {error}") from error


def _facts(store):
    """Return the fields of `Provenance` from what the library says of a manifest."""
    state = store.get("validation_state", "Invalid").lower()
    results = store.get("validation_results") or {}
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = active.get("signature_info") or {}
    failures = [entry["code"] for entry in (results.get("activeManifest") or {}).get("failure", [])]
    software = (active.get("claim_generator_info") or [{}])[0].get("name", "")
    found = {
        "c2pa": state if state in ("trusted", "valid") else "invalid",
        "signer": (signature.get("issuer") or signature.get("common_name") or "")[:_LONGEST],
        "signed": signature.get("time") or "",
        "software": (software or active.get("claim_generator") or "")[:_LONGEST],
        "problems": tuple(code for code in failures if code not in _NOT_TRUSTED),
    }
    if found["c2pa"] != "invalid":
        found["claim"] = _claim(store, store["active_manifest"], results)
    return found


def _claim(store, label, results):
    """Put together what a manifest and those of its ingredients say of the source."""
    deltas = results.get("ingredientDeltas") or []
    wrong = any((delta.get("validationDeltas") or {}).get("failure") for delta in deltas)
    kinds, todo, done = set(), [label], set()
    while todo:
        label = todo.pop()
        manifest = store["manifests"].get(label, {})
        done.add(label)
        for assertion in manifest.get("assertions", []):
            if assertion.get("label", "").startswith("c2pa.actions"):
                for action in (assertion.get("data") or {}).get("actions", []):
                    name = re.split(r"[/#]", str(action.get("digitalSourceType", "")))[-1]
                    kinds.add(_CLAIMS.get(name, ""))
        if not wrong:  # what an ingredient claims, with its own signature checked
            labels = [each.get("active_manifest") for each in manifest.get("ingredients", [])]
            todo += [each for each in labels if each and each not in done]
    kinds.discard("")
    if len(kinds) > 1 or "partly generated" in kinds:
        return "partly generated" if kinds & {"generated", "partly generated"} else "camera"
    return kinds.pop() if kinds else ""
