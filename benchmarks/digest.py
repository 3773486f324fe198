"""Whether files are still the same: a digest of what they hold, read again only when they seem to have changed."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over names and contents of those files that are there, in their order."""
    here = [(path, path.stat()) for path in files if path.exists()]
    return _digest(tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in here))


@cache
def _digest(files: tuple[tuple[Path, int, int], ...]) -> str:
    found = hashlib.sha256()
    for path, _, _ in files:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
