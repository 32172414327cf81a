"""Screenshots small enough for the repository: with at most 256 colours, which a page of text and flat areas has."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 250_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = 3
_COLOURS = 256


def reduced(png: bytes, most_bytes: int = MOST_BYTES) -> bytes:
    """Return Chromium's picture as it is if it is small enough, or else with its most frequent colours only."""
    return png if len(png) <= most_bytes else _indexed(pixels(png))


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Return height × width × red, green and blue of a picture without transparency, as Chromium writes it."""
    chunks = list(_chunks(png))
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[0][1])
    if kind != [8, 2, 0, 0, 0]:
        raise ValueError(f"expected 8 bits of red, green and blue, not interlaced; found {kind}")
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    size = width * _CHANNELS
    rows = []
    before = bytes(size)
    for start in range(0, len(data), size + 1):
        before = _row(data[start], data[start + 1 : start + 1 + size], before)
        rows.append(before)
    return np.frombuffer(b"".join(rows), np.uint8).reshape(height, width, _CHANNELS)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _row(kind: int, data: bytes, above: bytes) -> bytes:
    """Undo the filter of a row: its bytes are differences from those to the left, above, or both."""
    row = bytearray(data)
    for index in range(len(row)):
        left, corner = (row[index - _CHANNELS], above[index - _CHANNELS]) if index >= _CHANNELS else (0, 0)
        up = above[index]
        if kind == 4:
            distances = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            predicted = (left, up, corner)[distances.index(min(distances))]
        else:
            predicted = (0, left, up, (left + up) // 2)[kind]
        row[index] = (row[index] + predicted) & 255
    return bytes(row)


def _indexed(picture: NDArray[np.uint8]) -> bytes:
    height, width, _ = picture.shape
    colours, places, counts = np.unique(picture.reshape(-1, _CHANNELS), axis=0, return_inverse=True, return_counts=True)
    palette = colours[np.argsort(-counts, kind="stable")[:_COLOURS]]
    nearest = [int(np.argmin(((palette.astype(int) - colour) ** 2).sum(axis=1))) for colour in colours]
    indexes = np.array(nearest, np.uint8)[places.reshape(-1)].reshape(height, width)
    unfiltered = np.hstack([np.zeros((height, 1), np.uint8), indexes])
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", palette.tobytes()),
            (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)),
            (b"IEND", b""),
        )
    )
