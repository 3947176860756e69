"""The sandbox's user management: the v2 API of bk-user 2.3.4, reading and writing, with its odd status codes."""

from sandbox.usermgr.server import create_app

__all__ = ["create_app"]
