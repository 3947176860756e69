"""What the tests of the sandbox's DingTalk share."""

import pytest

from sandbox.dingtalk import create_app
from sandbox.dingtalk.serving import Background


@pytest.fixture(scope="module")
def server():
    """A DingTalk on a free port, one for each module; user management's tests have a server of their own."""
    with Background(create_app()) as running:
        yield running
