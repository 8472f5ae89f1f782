import io

import numpy as np
import pandas as pd
from PIL import Image

from sklearn_ssafe.images import file_properties

from ..conftest import encoded, picture


def test_files_bytes_and_pictures_in_memory(tmp_path):
    image = picture(0, size=(48, 64))
    png = encoded(image, "PNG")
    (tmp_path / "a.png").write_bytes(png)
    pictures = [
        tmp_path / "a.png",
        png,
        image,
        Image.fromarray(image).convert("L"),
        b"no picture",
        "absent.jpg",
        None,
    ]
    table = file_properties(pictures)
    with Image.open(io.BytesIO(png)) as opened:
        expected = {
            "bytes": len(png),
            "width": opened.width,
            "height": opened.height,
            "aspect": opened.width / opened.height,
            "bytes_per_pixel": len(png) / (opened.width * opened.height),
            "format": "PNG",
            "mode": "RGB",
        }
    assert table.iloc[0].to_dict() == table.iloc[1].to_dict() == expected
    assert table["width"].tolist()[2:4] == [64, 64]
    assert table["mode"][3] == "L"
    assert table.loc[2:3, "bytes"].isna().all()
    assert table.loc[4, "bytes"] == len(b"no picture")
    assert table.loc[4:, "width"].isna().all()
    assert table["format"].tolist()[2:] == [""] * 5
    assert len(table) == len(pictures)
    assert isinstance(table, pd.DataFrame)
    assert np.issubdtype(table["width"].dtype, np.floating)
