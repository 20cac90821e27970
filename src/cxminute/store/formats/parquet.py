"""Other people's Parquet files, as tables of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cxminute.model.errors import BadData
from cxminute.store.formats.cut import cut


def read(path: Path, *, size: int) -> Iterator[pa.Table]:
    """Tables of exactly `size` rows, the last one fewer, with all columns as the file types them.

    raises: BadData where the file is no Parquet, or damaged
    """
    try:
        with pq.ParquetFile(path) as file:
            yield from cut(file.iter_batches(batch_size=size), file.schema_arrow, size)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as fault:
        raise BadData(
            f"This cannot be read as Parquet: {str(fault).splitlines()[0]}",
            file=str(path),
            allowed='a whole Parquet file; for text files format = "csv" or another in the source',
        ) from fault
