"""The one error a user of the command line sees: a sentence, without a traceback."""


class SandboxError(Exception):
    """Says in one sentence what happened and what to do about it."""
