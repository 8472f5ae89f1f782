import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from sklearn_ssafe.command_line.encoders import encoders
from sklearn_ssafe.encoders import catalogue
from sklearn_ssafe.encoders.catalogue import list_encoders


@pytest.fixture(scope="module")
def table():
    return list_encoders()


def row_of(table, encoder, pretrained):
    rows = table[(table["encoder"] == encoder) & (table["pretrained"] == pretrained)]
    assert len(rows) == 1
    return rows.iloc[0]


def versions_of_the_table():
    """Return {"open_clip": version, "timm": version}."""
    first_line = Path(catalogue.__file__).with_name("catalogue.csv").read_text().splitlines()[0]
    return dict(part.split() for part in first_line.removeprefix("# ").split(", "))


@pytest.mark.parametrize("library", ["open_clip", "timm"])
def test_every_model_of_the_library_is_listed(table, library):
    module = pytest.importorskip(library)
    rows = table[table["library"] == library]
    listed = set(zip(rows["encoder"], rows["pretrained"], strict=True))
    if library == "open_clip":
        installed = set(map(tuple, module.list_pretrained()))
    else:
        names = [name.partition(".") for name in module.list_models(pretrained=True)]
        installed = {(f"timm/{name}", tag or None) for name, _, tag in names}
    if module.__version__ == versions_of_the_table()[library]:
        assert listed == installed
    else:
        assert len(listed & installed) > 0.8 * min(len(listed), len(installed))


def test_every_name_is_one_that_can_be_loaded(table):
    from sklearn_ssafe.encoders.names import resolve_name

    installed = {
        library: __import__(library).__version__ == version
        for library, version in versions_of_the_table().items()
    }
    known = table[[installed.get(library, True) for library in table["library"]]]
    expected = known["library"].replace({"embedded": "forensic", "package": "efficientnet_lite"})
    resolved = {name: resolve_name(name)[0] for name in known["encoder"].unique()}
    assert list(known["encoder"].map(resolved)) == list(expected)


def test_rows_are_unique_and_the_embedded_encoder_is_first(table):
    assert not table.duplicated(["encoder", "pretrained"]).any()
    assert table["encoder"][0] == "forensic"
    assert table["pretrained"][0] is None
    assert table["download_mb"][0] == 0


def test_size_of_the_embedded_encoder(table):
    import torch

    from sklearn_ssafe.encoders.forensic import ForensicEncoder

    assert table["embedding_size"][0] == ForensicEncoder(device=torch.device("cpu")).n_features


def test_figures_of_an_open_clip_tower(table):
    import open_clip

    model = open_clip.create_model("RN50").eval()
    row = row_of(table, "RN50", "openai")
    n_parameters = sum(parameter.numel() for parameter in model.visual.parameters())
    assert row["parameters_m"] == pytest.approx(n_parameters / 1e6, abs=1e-3)
    n_whole = sum(parameter.numel() for parameter in model.parameters())
    assert row["checkpoint_m"] == pytest.approx(n_whole / 1e6, abs=1e-3)
    assert row["embedding_size"] == model.visual.output_dim
    assert row["input_size"] == model.visual.image_size


def test_gflop_of_a_vision_transformer_by_hand(table):
    # ViT-B/32 at 224: 7 x 7 patches and a class token, 12 blocks of width 768, projected to 512.
    width, n_patches, n_tokens = 768, 7 * 7, 7 * 7 + 1
    patches = n_patches * (3 * 32 * 32) * width
    attention = n_tokens * width * 4 * width + 2 * n_tokens * n_tokens * width
    mlp = 2 * n_tokens * width * 4 * width
    projection = width * 512
    gflop = 2 * (patches + 12 * (attention + mlp) + projection) / 1e9
    row = row_of(table, "ViT-B-32", "openai")
    assert row["gflop"] == pytest.approx(gflop, abs=1e-3)
    assert row["embedding_size"] == 512


def test_figures_of_a_timm_model_counted_layer_by_layer(table):
    import timm
    import torch

    module = timm.create_model("resnet18.a1_in1k", num_classes=0).eval()
    multiplications = []

    def count(layer, inputs, output):
        per_value = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
        multiplications.append(output.numel() * per_value)

    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        output = module(torch.zeros(1, 3, 224, 224))
    row = row_of(table, "timm/resnet18", "a1_in1k")
    assert row["input_size"] == 224
    assert row["embedding_size"] == output.shape[1]
    assert row["gflop"] == pytest.approx(2 * sum(multiplications) / 1e9, abs=1e-3)
    n_parameters = sum(parameter.numel() for parameter in module.parameters())
    assert row["parameters_m"] == pytest.approx(n_parameters / 1e6, abs=1e-3)


def test_sizes_read_from_the_hub_agree_with_the_number_of_parameters(table):
    worked_out = table["note"].fillna("").str.contains("worked out")
    seen = table[(table["download_mb"] > 0) & table["checkpoint_m"].notna() & ~worked_out]
    bytes_each = (seen["download_mb"] / seen["checkpoint_m"]).astype(float)
    assert len(seen) > 20
    # Two or four bytes a number, and up to two hundredths for buffers and the hub's rounding.
    assert all(min(abs(value / 2 - 1), abs(value / 4 - 1)) < 0.02 for value in bytes_each)


def test_every_download_of_the_papers_family_has_a_size_and_says_where_it_is_from():
    family = list_encoders("PE-Core-*").set_index("encoder")
    assert len(family) == 5
    assert family["download_mb"].notna().all()
    read = family["note"].isna()
    assert list(family.index[read]) == ["PE-Core-S-16-384"]
    expected = family["checkpoint_m"] * 4
    assert (family["download_mb"] / expected - 1).abs().max() < 0.005
    assert "worked out" in run("PE-Core-bigG-14-448").output


def test_towers_are_not_larger_than_their_checkpoints(table):
    both = table.dropna(subset=["parameters_m", "checkpoint_m"])
    assert len(both) > 1000
    assert (both["parameters_m"] <= both["checkpoint_m"]).all()


def test_licences_come_with_their_source(table):
    assert set(table["commercial_use"]) == {"yes", "no", "unknown"}
    stated = table[table["commercial_use"] != "unknown"]
    assert (stated["licence"] != "unknown").all()
    assert table.loc[table["licence"] != "unknown", "licence_source"].notna().all()
    assert table.loc[table["licence"] == "unknown", "licence_source"].isna().all()
    assert (table.loc[table["licence"] == "unknown", "commercial_use"] == "unknown").all()
    assert (stated.groupby("licence")["commercial_use"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("pattern", "commercial_use"),
    [
        ("PE-Core-bigG-14-448:meta", "yes"),
        ("ViT-B-32:metaclip_400m", "no"),
        ("ViT-H-14-378:dfn5b", "no"),
        ("MobileCLIP2-*", "no"),
        ("timm/*:*dfn*", "no"),
        ("timm/res2net50d:in1k", "unknown"),
    ],
)
def test_commercial_use_of_known_weights(pattern, commercial_use):
    assert set(list_encoders(pattern)["commercial_use"]) == {commercial_use}


def test_pattern_is_a_glob_in_any_case(table):
    chosen = list_encoders("pe-CORE-?-16*")
    is_one = table["encoder"].isin(["PE-Core-T-16-384", "PE-Core-S-16-384", "PE-Core-B-16"])
    pd.testing.assert_frame_equal(chosen, table[is_one].reset_index(drop=True))


def test_pattern_can_name_the_weights():
    chosen = list_encoders("*:laion2b_s34b*")
    assert len(chosen) > 3
    assert chosen["pretrained"].str.startswith("laion2b_s34b").all()
    assert list(list_encoders("timm/resnet18.a1_in1k")["pretrained"]) == ["a1_in1k"]
    assert list(list_encoders("forensic")["encoder"]) == ["forensic"]


def test_commercial_use_is_a_filter(table):
    for value in ("yes", "no", "unknown"):
        chosen = list_encoders("ViT-*", commercial_use=value)
        expected = table["encoder"].str.startswith("ViT-") & (table["commercial_use"] == value)
        assert set(chosen["commercial_use"]) <= {value}
        assert len(chosen) == expected.sum()
    with pytest.raises(ValueError, match="commercial_use='maybe'"):
        list_encoders(commercial_use="maybe")


def test_no_match_gives_an_empty_table(table):
    chosen = list_encoders("no-such-encoder")
    assert chosen.empty
    assert list(chosen.columns) == list(table.columns)


def test_listing_imports_no_model_library():
    code = (
        "import sys; from sklearn_ssafe import list_encoders; list_encoders(); "
        "print(*{'torch', 'open_clip', 'timm'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


def run(*arguments):
    return CliRunner().invoke(encoders, list(arguments))


def test_command_prints_sizes_licences_and_sources():
    result = run("PE-Core-L-14-336")
    row = list_encoders("PE-Core-L-14-336").iloc[0]
    assert result.exit_code == 0
    for text in (row["encoder"], "336 px", "1,024", "meta", row["licence"], row["licence_source"]):
        assert text in result.output
    assert f"{row['parameters_m']:.0f} M" in result.output


def test_command_fits_a_terminal_and_says_what_is_unknown():
    result = run("ViT-L-14*")
    table_part = result.output.split("COMMERCIAL:")[0]
    assert max(map(len, table_part.splitlines())) <= 80
    assert "unknown" in table_part
    assert "<NA>" not in result.output
    assert "nan" not in result.output


def test_command_leaves_timm_out_unless_asked(table):
    n_timm = int((table["library"] == "timm").sum())
    result = run()
    assert f"timm has {n_timm:,} more" in result.output
    assert "forensic" in result.output
    assert "timm/resnet18" not in result.output
    assert "timm/resnet18" in run("timm/resnet18").output


def test_command_writes_csv_and_json():
    expected = list_encoders("ViT-B-32:*", commercial_use="yes")
    from_csv = pd.read_csv(io.StringIO(run("ViT-B-32:*", "--commercial", "--csv").stdout))
    assert list(from_csv.columns) == list(expected.columns)
    assert list(from_csv["pretrained"]) == list(expected["pretrained"])
    from_json = json.loads(run("ViT-B-32:*", "--commercial", "--json").stdout)
    assert [row["gflop"] for row in from_json] == list(expected["gflop"])


def test_command_without_a_match_names_close_ones():
    result = run("PE-Core-bigG-14-44")
    assert result.exit_code == 1
    assert "No encoder matches 'PE-Core-bigG-14-44'" in result.output
    assert "PE-Core-bigG-14-448" in result.output
    assert "allow commercial use" in run("ViT-H-14-378", "--commercial").output
