import open_clip
import pytest
import timm

from sklearn_ssafe.encoders.names import resolve_name


def test_libraries():
    assert resolve_name("forensic") == ("forensic", "forensic")
    assert resolve_name("efficientnet_lite0") == ("efficientnet_lite", "efficientnet_lite0")
    assert resolve_name("timm/efficientnet_lite0") == ("timm", "efficientnet_lite0")
    assert resolve_name("ViT-B-32") == ("open_clip", "ViT-B-32")
    assert resolve_name("ViT-B/32") == ("open_clip", "ViT-B-32")
    assert resolve_name("resnet50") == ("timm", "resnet50")
    name = "vit_small_patch14_dinov2.lvd142m"
    assert resolve_name(name) == resolve_name(f"timm/{name}") == ("timm", name)


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
