import os
import subprocess
import sys

import huggingface_hub
import pytest
from huggingface_hub.utils import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError

from sklearn_ssafe.encoders.hub import downloads, fetch_first_from_hub, fetch_from_hub
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoders.weights import WeightsFileError, WeightsNotFoundError

from ..tiny_models import use_hub_cache

NAMES = ("model.safetensors", "pytorch_model.bin")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    use_hub_cache(monkeypatch, tmp_path / "hub")


@pytest.fixture
def hub(monkeypatch):
    """Stands in for the hub: what it answers for each file name, and what was asked."""

    class Hub:
        def __init__(self):
            self.answers, self.asked, self.downloaded = {}, [], []

    hub = Hub()

    def metadata(url, **options):
        name = url.rpartition("/")[2]
        hub.asked.append(name)
        if isinstance(hub.answers[name], type):
            # Built without the HTTP response that these exceptions want.
            raise hub.answers[name].__new__(hub.answers[name])
        if isinstance(hub.answers[name], Exception):
            raise hub.answers[name]

        class Found:
            size = hub.answers[name]

        return Found

    def download(repo, name, revision=None):
        hub.downloaded.append((repo, name, revision))
        return f"/somewhere/{name}"

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", metadata)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return hub


def test_the_hub_is_told_nothing_of_what_runs_here():
    """In a process of its own, whichever library comes first."""
    script = (
        "import os, sys; {}; import sklearn_ssafe.encoders.hub; "
        "from huggingface_hub import constants; "
        "print(os.environ['HF_HUB_DISABLE_TELEMETRY'], constants.HF_HUB_DISABLE_TELEMETRY)"
    )
    for first in ("pass", "import huggingface_hub"):
        for chosen, expected in ((None, "1 True"), ("1", "1 True"), ("0", "0 False")):
            environment = {k: v for k, v in os.environ.items() if k != "HF_HUB_DISABLE_TELEMETRY"}
            if chosen is not None:
                environment["HF_HUB_DISABLE_TELEMETRY"] = chosen
            command = [sys.executable, "-c", script.format(first)]
            output = subprocess.check_output(command, env=environment, text=True)
            assert output.strip() == expected


def test_nothing_is_asked_where_downloads_are_not_allowed(hub):
    with downloads(False), pytest.raises(WeightsNotFoundError, match="allow_download=True"):
        fetch_from_hub("a/b", NAMES, "model b")
    with downloads(False), downloads(True), pytest.raises(WeightsNotFoundError):
        fetch_first_from_hub("a/b", NAMES, "model b")  # what is forbidden stays so within
    assert hub.asked == []
    hub.answers = {NAMES[0]: 5}
    assert fetch_from_hub("a/b", NAMES, "model b") == "/somewhere/model.safetensors"


def test_first_name_that_exists_is_downloaded(hub):
    hub.answers = {NAMES[0]: EntryNotFoundError, NAMES[1]: 5}
    assert fetch_from_hub("a/b@v2", NAMES, "model b") == "/somewhere/pytorch_model.bin"
    assert hub.downloaded == [("a/b", "pytorch_model.bin", "v2")]


def test_no_such_file(hub):
    hub.answers = dict.fromkeys(NAMES, EntryNotFoundError)
    with pytest.raises(WeightsNotFoundError, match=r"holds none of model\.safetensors, pytorch"):
        fetch_from_hub("a/b", NAMES, "model b")


def test_lost_network_is_asked_once(hub, tmp_path):
    hub.answers = dict.fromkeys(NAMES, RuntimeError("no route\nmore"))
    with pytest.raises(WeightsNotFoundError) as caught:
        fetch_from_hub("a/b", NAMES, "model b")
    assert hub.asked == ["model.safetensors"]
    assert hub.downloaded == []
    for part in (
        "model b",
        "(no route)",
        "model.safetensors of a/b",
        "a/b/resolve/main/model.safetensors",
        "weights='path/to/model.safetensors'",
        str(tmp_path / "hub"),
        "encoder='forensic' needs no weights",
    ):
        assert part in str(caught.value)


def test_download_that_fails_tells_the_size(hub, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    hub.answers = dict.fromkeys(NAMES, 2_500_000)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(WeightsNotFoundError, match=r"disk full.*2 MB"):
        fetch_from_hub("a/b", NAMES, "model b")


def test_gated_and_unknown_repositories(hub):
    hub.answers = dict.fromkeys(NAMES, GatedRepoError)
    with pytest.raises(WeightsNotFoundError, match=r"are gated: accept their terms at .*/a/b"):
        fetch_from_hub("a/b", NAMES, "model b")
    hub.answers = dict.fromkeys(NAMES, RepositoryNotFoundError)
    with pytest.raises(WeightsNotFoundError, match="no repository 'a/b'"):
        fetch_from_hub("a/b", NAMES, "model b")


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (
            {"encoder": "ViT-B-32", "pretrained": "openai"},
            "open_clip_model.safetensors of timm/vit_base_patch32_clip_224.openai",
        ),
        (
            {"encoder": "PE-Core-bigG-14-448"},
            "open_clip_model.safetensors of timm/PE-Core-bigG-14-448",
        ),
        (
            {"encoder": "ViTamin-S"},
            "pytorch_model.safetensors of jienengchen/ViTamin-S",
        ),
        (
            {"encoder": "timm/vit_small_patch14_dinov2.lvd142m"},
            "model.safetensors of timm/vit_small_patch14_dinov2.lvd142m",
        ),
    ],
)
def test_offline_says_what_is_missing(options, missing):
    # The suite runs with HF_HUB_OFFLINE=1.
    with pytest.raises(WeightsNotFoundError) as caught:
        load_encoder(**options)
    assert missing in str(caught.value)
    assert "encoder='forensic' needs no weights" in str(caught.value)


def test_weights_on_no_hub_name_their_address():
    with pytest.raises(WeightsNotFoundError, match=r"Download https://.*gcvit.* pass its path"):
        load_encoder("timm/gcvit_xxtiny.in1k")


def test_damaged_file_in_the_cache(tmp_path):
    folder = tmp_path / "hub" / "models--timm--test_vit.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    file = folder / "snapshots" / "abc" / "model.safetensors"
    file.write_bytes(b"<html>")
    with pytest.raises(WeightsFileError, match="not a complete safetensors file"):
        load_encoder("timm/test_vit.r160_in1k")
