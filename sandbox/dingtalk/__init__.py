"""The sandbox's DingTalk: robots, tokens, look-ups and one-to-one messages, with an admin API and a chat page."""

from sandbox.dingtalk.server import create_app

__all__ = ["create_app"]
