"""Random numbers by name: a stream belongs to (seed, names…), so that nothing drawn elsewhere can shift it.

The same names give the same numbers in every process and on every machine (no use of ``hash()``, which is salted).
Long noise is drawn in chunks of absolute time, so that it does not depend on where a world begins.
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 32_768


def stream(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for these names."""
    text = "\x1f".join([str(seed), *map(str, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def normals(seed: int, name: str, first: int, count: int) -> NDArray[np.float32]:
    """Standard normals number ``first`` … ``first + count`` of an endless row with this name."""
    begin, end = first // CHUNK, -(-(first + count) // CHUNK)
    rows = [stream(seed, name, chunk).standard_normal(CHUNK, dtype=np.float32) for chunk in range(begin, end)]
    offset = first - begin * CHUNK
    return np.concatenate(rows)[offset : offset + count] if rows else np.empty(0, np.float32)
