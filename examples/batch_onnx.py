"""Judge the pictures in Parquet files with DuckDB and ONNX Runtime, some thousand rows at a time.

    python batch_onnx.py detector.onnx "pictures/*.parquet" scores.parquet

The files hold the columns path and image (bytes). A picture that cannot be read has its reason.
"""

import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from serve_onnx import open_detector, prepare

SCHEMA = pa.schema([("path", pa.string()), ("score", pa.float32()), ("error", pa.string())])


def judge_batch(batch, session, sides):
    """Return a row for each picture of a record batch, in its order."""
    paths, scores, errors = batch["path"].to_pylist(), [], []
    for content in batch["image"].to_pylist():
        try:
            prepared = prepare(content, *sides)[None]
            scores.append(float(session.run(["score"], {"views": prepared})[0][0]))
            errors.append(None)
        except Exception as error:  # whatever a stranger's file brings about
            scores.append(None)
            errors.append(str(error))
    return pa.record_batch([paths, scores, errors], schema=SCHEMA)


def main(model, pictures, out):
    """Score all, write them, and count the verdicts."""
    session, facts, sides = open_detector(model)
    query = duckdb.connect().execute("SELECT path, image FROM read_parquet(?)", [pictures])
    with pq.ParquetWriter(out, SCHEMA) as writer:
        for batch in query.to_arrow_reader(1024):
            writer.write_batch(judge_batch(batch, session, sides))
    count = "SELECT count(*) FILTER (score >= ?), count(*) FROM read_parquet(?)"
    called, total = duckdb.execute(
        count, [facts["verdicts"]["generated_from"], str(out)]
    ).fetchone()
    print(f"{called} of {total} pictures are called generated")


if __name__ == "__main__":
    main(*sys.argv[1:])
