"""``ssafe equalize``."""

import shutil

from PIL import Image

from .conftest import run


def test_equalize_writes_a_copy_and_audits_it(sixty_flawed, tmp_path):
    folder = shutil.copytree(sixty_flawed, tmp_path / "flawed")
    Image.new("RGB", (20, 20)).save(folder / "real" / "tiny.png")
    (folder / "real" / "broken.jpg").write_bytes(b"nothing")
    how = ["-o", tmp_path / "copy", "--size", 48, "--codec", "png"]
    result = run("equalize", "--quiet", folder, *how)
    assert result.exit_code == 0, result.output
    assert "Wrote 60 pictures" in result.output
    assert "Left out: 2 of 32 real, 0 of 30 generated" in result.output
    assert "No leak was found" in result.output
    assert len(list((tmp_path / "copy" / "images").glob("*.png"))) == 60
    again = run("equalize", "--quiet", folder, "-o", tmp_path / "copy")
    assert isinstance(again.exception, FileExistsError)
