"""What files claim of where they come from, signed with certificates made here."""

import http.server
import io
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_provenance
from sklearn_ssafe.images.provenance import NOTHING, provenance_words

from ..conftest import encoded, picture

pytest.importorskip("c2pa")
from .signing import CAMERA, TRAINED, certificate, pem, sign

MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"{attribute}>{element}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture(scope="module")
def authority():
    return certificate("Authority of tests")


@pytest.fixture(scope="module")
def signer(authority):
    return certificate("Daily Test", authority)


@pytest.fixture
def anchors(authority, tmp_path):
    path = tmp_path / "anchors.pem"
    path.write_text(pem(authority))
    return path


@pytest.mark.parametrize("kind", MEDIA)
def test_a_claim_is_as_good_as_its_signer(kind, authority, signer, anchors):
    content = sign(encoded(picture(0), kind), MEDIA[kind], authority, signer)
    alone, vouched = read_provenance(content), read_provenance(content, trust_anchors=anchors)
    assert (alone.c2pa, vouched.c2pa) == ("valid", "trusted")
    for found in (alone, vouched):
        assert (found.claim, found.signer, found.software) == (
            "generated",
            "Daily Test",
            "Test Press",
        )
        assert found.problems == ()
    assert alone.says == "signed by Daily Test, for whom nobody vouches: generated"
    assert vouched.says == "signed by Daily Test: generated"


def test_another_authority_vouches_for_nobody_here(authority, signer, tmp_path):
    content = sign(encoded(picture(0)), "image/jpeg", authority, signer)
    path = tmp_path / "other.pem"
    path.write_text(pem(certificate("Another authority")))
    assert read_provenance(content, trust_anchors=path).c2pa == "valid"


def test_a_changed_picture_has_no_valid_signature_and_no_claim(authority, signer, anchors):
    content = bytearray(sign(encoded(picture(0)), "image/jpeg", authority, signer))
    content[-200] ^= 1
    found = read_provenance(bytes(content), trust_anchors=anchors)
    assert (found.c2pa, found.claim) == ("invalid", "")
    assert found.problems == ("assertion.dataHash.mismatch",)
    assert found.says == (
        "a signature that is not valid (assertion.dataHash.mismatch), which says nothing"
    )


def test_a_signed_camera_is_told_and_an_unsigned_one_is_not(authority, signer, anchors):
    signed = sign(encoded(picture(0)), "image/jpeg", authority, signer, source_type=CAMERA)
    found = read_provenance(signed, trust_anchors=anchors)
    assert found.claim == "camera"
    assert found.says == "signed by Daily Test: taken by a camera"
    attribute = f' Iptc4xmpExt:DigitalSourceType="{CAMERA}"'
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 5D"
    xmp = XMP.format(attribute=attribute, element="").encode()
    Image.fromarray(picture(0)).save(file, "JPEG", exif=exif, xmp=xmp)
    unsigned = read_provenance(file.getvalue())
    assert unsigned.source_type == "digitalCapture"
    assert unsigned.says == NOTHING


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("form", ["attribute", "element", "resource"])
def test_the_iptc_source_type_in_each_form(kind, form):
    name = "Iptc4xmpExt:DigitalSourceType"
    attribute = f' {name}="{TRAINED}"' if form == "attribute" else ""
    element = {
        "element": f"<{name}>{TRAINED}</{name}>",
        "resource": f'<{name} rdf:resource="{TRAINED}"/>',
    }.get(form, "")
    xmp = XMP.format(attribute=attribute, element=element)
    file = io.BytesIO()
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp)
        Image.fromarray(picture(0)).save(file, "PNG", pnginfo=info)
    elif kind == "TIFF":
        Image.fromarray(picture(0)).save(file, "TIFF", tiffinfo={700: xmp.encode()})
    else:
        Image.fromarray(picture(0)).save(file, kind, xmp=xmp.encode())
    found = read_provenance(file.getvalue())
    assert (found.c2pa, found.source_type) == ("none", "trainedAlgorithmicMedia")
    assert found.says == "unsigned, IPTC: generated"


def test_a_named_generator_is_told_as_unsigned():
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a")
    file = io.BytesIO()
    Image.fromarray(picture(0)).save(file, "PNG", pnginfo=info)
    assert read_provenance(file.getvalue()).says == "unsigned, names Stable Diffusion"


def test_a_source_type_in_a_text_is_told_as_unsigned():
    info = PngInfo()
    info.add_text("DigitalSourceType", "trainedAlgorithmicMedia")
    file = io.BytesIO()
    Image.fromarray(picture(0)).save(file, "PNG", pnginfo=info)
    found = read_provenance(file.getvalue())
    assert found.says == "unsigned, names IPTC: trained algorithmic media"


def test_nothing_found_says_nothing():
    for kind in MEDIA:
        assert read_provenance(encoded(picture(0), kind)).says == NOTHING
    assert read_provenance(picture(0)).says == NOTHING
    assert read_provenance(np.asarray(picture(0))).says == NOTHING


def test_nothing_is_ever_fetched(authority, signer):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        remote = f"http://127.0.0.1:{server.server_port}/manifest.c2pa"
        content = sign(encoded(picture(0)), "image/jpeg", authority, signer, remote=remote)
        found = read_provenance(content)
        server.shutdown()
    assert found.c2pa == "remote"
    assert found.says == "a manifest kept elsewhere, which was not fetched"
    assert asked == []


def test_a_damaged_manifest_costs_nothing_else(authority, signer):
    content = sign(encoded(picture(0)), "image/jpeg", authority, signer)
    place = content.index(b"c2pa")
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content)
        for where in rng.integers(place, place + 4000, 3):
            damaged[where] ^= 1 << int(rng.integers(8))
        try:
            found = read_provenance(bytes(damaged))
        except ImageReadError:  # no longer a picture at all
            continue
        assert found.c2pa in ("none", "valid", "invalid", "unreadable")
        assert found.says


def test_without_the_extra_it_is_told_where_there_is_a_manifest(authority, signer, monkeypatch):
    content = sign(encoded(picture(0)), "image/jpeg", authority, signer)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert read_provenance(content).says == (
        "a manifest that was not read: it needs the extra [c2pa]"
    )
    assert read_provenance(encoded(picture(0))).says == NOTHING


def test_errors_name_what_is_wrong(tmp_path):
    with pytest.raises(ImageReadError, match="no such file"):
        read_provenance(tmp_path / "absent.jpg")
    assert provenance_words(tmp_path / "absent.jpg") == ""
    with pytest.raises(FileNotFoundError):
        read_provenance(picture(0), trust_anchors=tmp_path / "absent.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ValueError, match="holds no certificates"):
        read_provenance(picture(0), trust_anchors=tmp_path / "text.pem")
