"""Icons of the stock message types, drawn here: 16 by 16 pixels in a .ico file, as base64 text."""
from __future__ import absolute_import, division, print_function

import base64
import struct

SIZE = 16
GREY = (0xC4, 0xC6, 0xCC)
COLOURS = {"weixin": (0x2D, 0xB4, 0x5C), "mail": (0x3A, 0x84, 0xFF), "sms": (0xFF, 0x9C, 0x01), "voice": (0x69, 0x9D, 0xF4)}
CLEAR = (0, 0, 0, 0)


def _inside(name, x, y):
    """Whether the pixel belongs to the drawing of this type."""
    if name == "mail":  # an envelope: a box without the two lines of its flap
        return 3 <= y <= 12 and abs(abs(x - 7.5) + (y - 3) - 7.5) > 0.5
    if name == "weixin":  # a round balloon with two eyes
        return (x - 7.5) ** 2 + (y - 7) ** 2 <= 46 and not (y in (5, 6) and x in (5, 10))
    if name == "sms":  # a square balloon with three dots
        return 2 <= y <= 10 and not (y == 6 and x in (4, 7, 11)) or 11 <= y <= 13 and 3 <= x <= 14 - y + 3
    return 22 <= (x - 2) ** 2 + (y - 13) ** 2 <= 60 or (x - 2) ** 2 + (y - 13) ** 2 <= 9  # waves from a corner


def icon(name, active):
    """base64 text of the .ico file."""
    red, green, blue = COLOURS[name] if active else GREY
    pixels = bytearray()
    for y in reversed(range(SIZE)):  # a bitmap begins with its lowest row
        for x in range(SIZE):
            pixels.extend((blue, green, red, 255) if _inside(name, x, y) else CLEAR)
    mask = bytes(bytearray(SIZE * 4))
    # the height counts the transparency mask too
    bitmap = struct.pack("<IiiHHIIiiII", 40, SIZE, SIZE * 2, 1, 32, 0, len(pixels) + len(mask), 0, 0, 0, 0)
    image = bitmap + bytes(pixels) + mask
    header = struct.pack("<HHHBBBBHHII", 0, 1, 1, SIZE, SIZE, 0, 0, 1, 32, len(image), 22)
    return base64.b64encode(header + image).decode("ascii")
