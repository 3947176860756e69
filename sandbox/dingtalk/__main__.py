"""Command line: python -m sandbox.dingtalk --port PORT [--data FILE]."""

from sandbox.dingtalk.server import create_app
from sandbox.dingtalk.serving import command_line

if __name__ == "__main__":
    command_line("sandbox.dingtalk", create_app)
