"""Windows event logs as the binary files that Windows keeps (.evtx), read by the library evtx (an extra).

A record becomes the JSON object that evtx_dump writes, which the source `windows-evtx-json` maps. A record that the
library cannot take to pieces costs that record alone.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO

from counterfoil.read.windows_xml import Found

MAGIC = b"ElfFile\x00"
HEADER_BYTES, CHUNK_BYTES = 4_096, 65_536
MAX_BROKEN_IN_A_ROW = 100_000  # a reader that makes no headway must end; a chunk holds below 1,000 records
WITHOUT_LIBRARY = (
    "a binary Windows event log: pip install 'counterfoil[evtx]', or convert it:"
    " wevtutil qe FILE /lf:true /f:xml /e:Events > FILE.xml"
)


def available() -> bool:
    """Tell whether the library is installed."""
    return importlib.util.find_spec("evtx") is not None


def events(handle: IO[bytes]) -> Iterator[Found]:
    """Yield the records of the log in order. Raises OSError if it is no event log."""
    import evtx

    if not handle.seekable():  # of an archive, or compressed
        with tempfile.TemporaryFile() as whole:
            shutil.copyfileobj(handle, whole)
            whole.seek(0)
            yield from events(whole)
        return
    # what the library says of broken files comes as RuntimeError, and as ValueError from Rust's conversions
    try:
        records = evtx.PyEvtxParser(handle, number_of_threads=1).records_json()
    except (RuntimeError, ValueError, OSError) as error:
        raise OSError(f"no Windows event log: {_said(error)}") from error
    broken = 0
    while True:
        try:
            record = next(records, None)
        except (RuntimeError, ValueError, OSError) as error:
            broken += 1
            yield None, f"broken record: {_said(error)}"
            if broken >= MAX_BROKEN_IN_A_ROW:
                raise OSError(f"{broken:,} broken records one after the other") from error
            continue
        if record is None:
            break
        broken = 0
        yield record["data"], None
    size = handle.seek(0, io.SEEK_END)
    if odd := (size - HEADER_BYTES) % CHUNK_BYTES:  # the library reads whole chunks, and does not tell of the rest
        yield None, f"the file is cut off: its last {odd:,} bytes are no whole chunk"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
