"""How large the strings of an HDF5 attribute are, found without reading them.

HDF5 reads an attribute as a whole. An attribute of variable-length strings holds references into a heap, and many
references may lead to one long string, so that a small file can ask for gigabytes. The references tell the lengths;
they stand in the header of the object, which this module walks through. Source: the HDF5 file format
specification, version 3.0, sections IV.A.1 (object headers) and IV.A.2.m (the attribute message).
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_MAX_BLOCKS = 1000
_MAX_BLOCK = 64 * 1024 * 1024


def string_bytes(stream: BinaryIO, base: int, address: int, name: str, count: int) -> int | None:
    """The total length of the strings of an attribute, or None where the header does not tell.

    Args:
        stream: The file.
        base: Where the HDF5 data begins in it.
        address: Where the object's header is.
        name: The attribute.
        count: How many strings it has.
    """
    for data in _messages(stream, base, address):
        found = _references(data, name.encode("utf-8"), count)
        if found is not None:
            return sum(length for length, _, _ in struct.iter_unpack("<IQI", found))
    return None


def _read(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    return stream.read(min(size, _MAX_BLOCK))


def _messages(stream: BinaryIO, base: int, address: int) -> Any:
    """The attribute messages of an object's header."""
    prefix = _read(stream, base + address, 64)
    if prefix[:4] == b"OHDR":
        flags = prefix[5]
        position = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(prefix[position : position + width], "little")
        start = base + address + position + width
        head, newer = (6 if flags & 4 else 4), True
    elif prefix[:1] == b"\x01":
        size = struct.unpack_from("<I", prefix, 8)[0]
        start, head, newer = base + address + 16, 8, False
    else:
        return
    blocks, done = [(start, size)], 0
    while blocks and done < _MAX_BLOCKS:
        start, size = blocks.pop(0)
        done += 1
        block, at = _read(stream, start, size), 0
        while at + head <= len(block):
            if newer:
                kind, length = struct.unpack_from("<BH", block, at)
            else:
                kind, length = struct.unpack_from("<HH", block, at)
            data = block[at + head : at + head + length]
            at += head + length
            if kind == _ATTRIBUTE:
                yield data
            elif kind == _CONTINUATION and len(data) >= 16:
                place, extent = struct.unpack_from("<QQ", data)
                blocks.append((base + place + 4, extent - 8) if newer else (base + place, extent))


def _references(data: bytes, name: bytes, count: int) -> bytes | None:
    if len(data) < 8:
        return None
    version, _, name_size, type_size, space_size = struct.unpack_from("<BBHHH", data)
    at = 9 if version == 3 else 8
    if data[at : at + name_size].rstrip(b"\0") != name:
        return None
    for size in (name_size, type_size, space_size):
        at += -(-size // 8) * 8 if version == 1 else size
    references = data[at : at + 16 * count]
    return references if len(references) == 16 * count else None
