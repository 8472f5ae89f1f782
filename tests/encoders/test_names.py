import open_clip
import pytest
import timm

from sklearn_ssafe.encoders.names import is_folder, resolve_name, split_source


def test_libraries():
    assert resolve_name("forensic") == ("forensic", "forensic")
    assert resolve_name("efficientnet_lite0") == ("efficientnet_lite", "efficientnet_lite0")
    assert resolve_name("timm/efficientnet_lite0") == ("timm", "efficientnet_lite0")
    assert resolve_name("ViT-B-32") == ("open_clip", "ViT-B-32")
    assert resolve_name("ViT-B/32") == ("open_clip", "ViT-B-32")
    assert resolve_name("resnet50") == ("timm", "resnet50")
    name = "vit_small_patch14_dinov2.lvd142m"
    assert resolve_name(name) == resolve_name(f"timm/{name}") == ("timm", name)


def test_folders_and_repositories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("hf-hub:a/b", "timm/hf-hub:a/b", "local-dir:x", "/x/y", "~/x", "./x", "mine"):
        assert resolve_name(name) == ("source", name)
    assert split_source("hf-hub:a/b@v1") == (None, "hf-hub", "a/b@v1")
    assert split_source("timm/local-dir:/x:y") == ("timm", "local-dir", "/x:y")
    assert split_source("mine") == (None, "local-dir", "mine")
    for name, expected in (("mine", True), ("moved", True), ("hf-hub:a/b", False)):
        assert is_folder(name) is expected
    assert not is_folder("forensic")


def test_every_open_clip_name_is_open_clips():
    assert {resolve_name(name)[0] for name in open_clip.list_models()} == {"open_clip"}


def test_names_in_both_libraries():
    both = set(open_clip.list_models()) & set(timm.list_models())
    assert both
    for name in both:
        assert resolve_name(name)[0] == "open_clip"
        assert resolve_name(f"timm/{name}") == ("timm", name)


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("vit-b-32", "'ViT-B-32'"),
        ("PE-Core-G14-448", "'PE-Core-bigG-14-448'"),
        ("timm/vit_small_patch14_dinov2.lvd", "'timm/vit_small_patch14_dinov2"),
        ("timm/vit_smal_patch16_224", "'timm/vit_small_patch16_224'"),
        ("forensics", "'forensic'"),
    ],
)
def test_unknown_names_come_with_close_ones(name, close):
    if timm.is_model(name.removeprefix("timm/").partition(".")[0]):
        assert resolve_name(name)[0] == "timm"
        return
    with pytest.raises(ValueError, match="not a known encoder") as caught:
        resolve_name(name)
    assert close in str(caught.value)
