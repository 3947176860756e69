"""Byte code among the files of an ESB: its workers and the channel's service write it whenever they start."""

from pathlib import PurePath


def is_byte_code(path):
    path = PurePath(path)
    return path.suffix in (".pyc", ".pyo") or "__pycache__" in path.parts
