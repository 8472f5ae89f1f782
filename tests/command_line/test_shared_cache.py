"""Commands that share ``--cache`` encode each picture once."""

from sklearn_ssafe.store import clear_memory_cache

from .conftest import run


def test_compare_fit_predict_and_the_others_encode_a_table_once(sixty, tmp_path, encodings):
    table, cache = sixty / "manifest.csv", ("--cache", tmp_path / "kept")
    encoder = ("--encoder", "efficientnet_lite0")
    first = str(next((sixty / "images").iterdir()))
    commands = [
        ("compare", table, *encoder, "--head", "linear", "--folds", 2),
        ("demo", table, *encoder, "--folds", 2),
        ("embed", sixty / "images", "-o", tmp_path / "rows.npz", *encoder),
        (
            "curate",
            table,
            "-o",
            tmp_path / "c.csv",
            *encoder,
            "--n-samples",
            8,
            "--n-generators",
            2,
        ),
        ("fit", table, "-o", tmp_path / "d", *encoder, "--folds", 2),
        ("predict", tmp_path / "d", table, "-o", tmp_path / "v.csv"),
        ("evaluate", tmp_path / "d", table, "--no-audit", "--no-thumbnails"),
        ("explain", tmp_path / "d", first, "-o", tmp_path / "o.png", "--grid", 1),
    ]
    for command in commands:
        clear_memory_cache()  # what a new process begins with
        encodings.clear()
        result = run(*command, *cache)
        assert result.exit_code == 0, (command, result.output)
        expected = {"compare": 60, "explain": 2}.get(command[0], 0)  # as such, and covered
        assert sum(encodings) == expected, command[0]
    encodings.clear()
    assert run(*commands[-1], *cache).exit_code == 0
    assert sum(encodings) == 0
