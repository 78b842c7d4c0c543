"""What an archive may cost: named limits, and the count of what its members have given so far."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.errors import InputError

MAX_DEPTH = 5  # archives and compressions inside one another; exports of exports nest two or three deep
MAX_MEMBERS = 100_000  # of one file on disk, with everything nested in it
MAX_UNPACKED = 1 << 40  # bytes of one file on disk
# Logs shrink to a tenth or a fiftieth, the most uniform ones to a hundredth: zstd and xz on the history that the
# bench writes give 1:12 to 1:30. A bomb gives thousands.
MAX_RATIO = 200
FREE_BYTES = 512 << 20  # so much may come of any file, however small
MAX_NAME_CHARS = 500
MAX_DIRECTORY_BYTES = 16 << 20  # of a zip or 7z: about 160 bytes for each of MAX_MEMBERS
MAX_HEADER_BYTES = 1 << 20  # of one member of a tar: long names and attributes
MAX_DECODER_BYTES = 512 << 20  # memory that a decoder may ask for; the strongest setting of xz needs 65 MiB


@dataclass(frozen=True)
class Bounds:
    """Limits for one file on disk: levels, members, bytes, bytes for each byte on disk, and bytes always allowed."""

    depth: int = MAX_DEPTH
    members: int = MAX_MEMBERS
    unpacked: int = MAX_UNPACKED
    ratio: int = MAX_RATIO
    free: int = FREE_BYTES


class Budget:
    """What one file on disk may still unpack to. Reading the same bytes of a member again costs nothing."""

    def __init__(self, bounds: Bounds, size: int) -> None:
        """Allow what the bounds allow for a file of `size` bytes."""
        self._bounds = bounds
        self._allowed = min(bounds.unpacked, max(bounds.free, bounds.ratio * size))
        self._seen: dict[tuple[str, int], int] = {}
        self._total = 0

    def take(self, name: str, layer: int, position: int) -> None:
        """Count that the stream at this layer of the member has been read to `position`; raises InputError."""
        key = (name, layer)
        more = position - self._seen.get(key, 0)
        if more <= 0:
            return
        self._seen[key] = position
        self._total += more
        if self._total > self._allowed:
            raise InputError(
                f"cannot read {name}: {self.refusal}; neither this nor what follows is read",
                hint="unpack it by hand if you trust it",
            )

    @property
    def spent(self) -> bool:
        """Whether nothing more is unpacked."""
        return self._total > self._allowed

    @property
    def refusal(self) -> str:
        """Why no more is unpacked."""
        bounds = self._bounds
        if self._allowed >= bounds.unpacked:
            return f"its file unpacks to more than {bounds.unpacked >> 30:,} GiB"
        return f"its file unpacks to more than {self._allowed >> 20:,} MiB, over {bounds.ratio} times its size: a bomb?"
