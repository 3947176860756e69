"""Draws the message type's two icons, a speech bubble with a bell's dot, and prints toolkit/icons.py."""

import base64
import struct
import zlib

SIZE = 32
SAMPLES = 4


def inside(x, y):
    """What of the drawing covers a point of the unit square: "bubble", "dots" or None."""
    left, top, right, bottom, radius = 0.08, 0.12, 0.92, 0.74, 0.2
    for number in range(3):
        if (x - (0.3 + 0.2 * number)) ** 2 + (y - 0.43) ** 2 < 0.062**2:
            return "dots"
    near_x = min(max(x, left + radius), right - radius)
    near_y = min(max(y, top + radius), bottom - radius)
    if (x - near_x) ** 2 + (y - near_y) ** 2 <= radius**2:
        return "bubble"
    # The tail, a triangle below the bubble.
    if 0.7 <= y <= 0.93 and 0.26 <= x <= 0.26 + (0.93 - y) * 1.05:
        return "bubble"
    return None


def png(colour):
    rows = bytearray()
    for row in range(SIZE):
        rows.append(0)
        for column in range(SIZE):
            seen = [
                inside((column + (i + 0.5) / SAMPLES) / SIZE, (row + (j + 0.5) / SAMPLES) / SIZE)
                for i in range(SAMPLES)
                for j in range(SAMPLES)
            ]
            covered = [what for what in seen if what]
            white = covered.count("dots") / len(covered) if covered else 0
            rows.extend(round(c + (255 - c) * white) for c in colour)
            rows.append(round(255 * len(covered) / len(seen)))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def ico(image):
    entry = struct.pack("<BBBBHHII", SIZE, SIZE, 0, 0, 1, 32, len(image), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + image


def constant(name, colour):
    text = base64.b64encode(ico(png(colour))).decode("ascii")
    lines = [text[i : i + 100] for i in range(0, len(text), 100)]
    return "%s = (\n%s\n)\n" % (name, "\n".join('    "%s"' % line for line in lines))


def main():
    print("# -*- coding: utf-8 -*-")
    print('"""The message type\'s icons, base64 of .ico files: drawn and written by scripts/draw_icons.py."""')
    print("from __future__ import absolute_import, division, print_function\n")
    print(constant("ACTIVE", (36, 112, 224)))
    print(constant("INACTIVE", (176, 182, 190)), end="")


if __name__ == "__main__":
    main()
