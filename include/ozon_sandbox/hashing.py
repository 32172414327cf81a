"""Numbers that look random and are the same for ever: the catalogue's only source of variety.

Everything is splitmix64 over the product's index, so a million products need no memory and any of them can
be computed alone.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_VERSION = np.uint64(0xD1B54A32D192ED03)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def key_of(*parts: object) -> int:
    """A 64-bit key for one purpose, such as the prices of one account under one seed."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(key: int, indices: Ints, versions: Ints | int = 0) -> Hashes:
    """A 64-bit hash for each index; another version of the same index gives an unrelated hash."""
    with np.errstate(over="ignore"):
        hashes = indices.astype(np.uint64) * _GOLDEN + np.uint64(key)
        hashes += np.asarray(versions).astype(np.uint64) * _VERSION
        hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
        hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return hashes ^ (hashes >> np.uint64(31))


def below(hashes: Hashes, bound: int) -> Ints:
    """Whole numbers from 0 to ``bound`` - 1."""
    return (hashes % np.uint64(bound)).astype(np.int64)


def unit(hashes: Hashes) -> NDArray[np.float64]:
    """Fractions from 0 up to, but without, 1."""
    return (hashes >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def chosen(key: int, indices: Ints, share: float) -> Mask:
    """Which indices belong to the given share of all; always the same ones for one key."""
    return unit(mix(key, indices)) < share
