"""Reproducible pseudo-random numbers, the catalogue's only source of variety.

They are splitmix64 over the product's index, so that a million products need no memory and each can be computed alone.
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
    """Return a 64-bit key for one purpose, for example the prices of one account with one seed."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(key: int, indices: Ints, versions: Ints | int = 0) -> Hashes:
    """Return a 64-bit hash for each index; another version of the same index has an unrelated hash."""
    with np.errstate(over="ignore"):
        hashes = indices.astype(np.uint64) * _GOLDEN + np.uint64(key)
        hashes += np.asarray(versions).astype(np.uint64) * _VERSION
        hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
        hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return hashes ^ (hashes >> np.uint64(31))


def below(hashes: Hashes, bound: int) -> Ints:
    """Return whole numbers from 0 to ``bound`` - 1."""
    return (hashes % np.uint64(bound)).astype(np.int64)


def unit(hashes: Hashes) -> NDArray[np.float64]:
    """Return fractions from 0 to 1, without 1."""
    return (hashes >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def chosen(key: int, indices: Ints, share: float) -> Mask:
    """Return the mask of the indices in the given share of all; always the same ones for one key."""
    return unit(mix(key, indices)) < share
