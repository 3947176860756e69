"""Command line: python -m sandbox.usermgr --port PORT --data FILE."""

from sandbox.dingtalk.serving import command_line
from sandbox.usermgr.server import create_app

if __name__ == "__main__":
    command_line("sandbox.usermgr", create_app)
