"""How many parts a protobuf message has, counted before it is parsed.

Two bytes of a file make a part of a hundred bytes in memory, so that a small file could fill it.
A message is a row of fields, each of which begins with ``number · 8 + kind``, a varint. Kind 2 has
a length and so many bytes, which may be a message again: protobuf's own description says so.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import Any

from neural_network.errors import FileFormatError

# Files of fewer bytes cannot do harm.
SMALL = 1 << 21
MOST_PARTS = 500_000
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def check_parts(what: str, content: bytes, descriptor: Any) -> None:
    """Raise FileFormatError if a message has more parts than any honest model.

    Args:
        what: the file, for the error.
        content: the message. What is damaged is left to the parser.
        descriptor: protobuf's description of its kind.
    """
    if len(content) < SMALL:
        return
    waiting, parts = [(0, len(content), descriptor)], 0
    while waiting:
        at, end, kind = waiting.pop()
        fields = {} if kind is None else kind.fields_by_number
        while at < end:
            parts += 1
            if parts > MOST_PARTS:
                raise FileFormatError(f"{what}: expected at most {MOST_PARTS:,} parts of a message")
            key, at = content[at], at + 1  # most are one byte: a call less
            if key > 127:
                key, at = _varint(content, at - 1, end)
            form = key & 7
            if form == LENGTH:
                size, at = _varint(content, at, end)
                field = fields.get(key >> 3)
                if field is not None and field.message_type is not None:
                    waiting.append((at, min(at + size, end), field.message_type))
                at += size
            elif form == VARINT:
                _, at = _varint(content, at, end)
            elif form in (EIGHT_BYTES, FOUR_BYTES):
                at += 8 if form == EIGHT_BYTES else 4
            else:
                return


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number, seven bits a byte, and the place behind it."""
    number = shift = 0
    while at < end:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128 or shift > 63:
            break
        shift += 7
    return number, at
