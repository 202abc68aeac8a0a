"""A recording as chunks, and back, with the checks of include/recording.h."""

import struct

MAGIC = b"sioproxy recording 2\n"


def check(kind, payload):
    """The check of a chunk."""
    words = struct.unpack("<%dI" % (len(payload) // 4), payload[:len(payload) // 4 * 4])
    last = int.from_bytes(payload[len(payload) // 4 * 4:], "little")
    total = kind
    for word in (len(payload), *words, last):
        total = (total ^ word) * 2654435761 & 0xffffffff
        total ^= total >> 15
    return total


def chunks_of(data):
    """(kind, payload) of each chunk; what is not whole is an error."""
    assert data.startswith(MAGIC), data[:len(MAGIC)]
    at = len(MAGIC)
    while at < len(data):
        kind, length, total = struct.unpack_from("<BII", data, at)
        payload = data[at + 9:at + 9 + length]
        assert len(payload) == length and check(kind, payload) == total, at
        yield kind, payload
        at += 9 + length


def recording_of(chunks):
    """Their bytes."""
    return MAGIC + b"".join(struct.pack("<BII", kind, len(payload), check(kind, payload)) + payload
                            for kind, payload in chunks)
