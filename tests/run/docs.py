"""The documentation: links, spelling, structure, what is made from the source, and every example, on a sandbox of its own without the channel."""

from sandbox import paths
from tests.run import ansible_envs

# A test runs a playbook or antsibull-docs, on a machine that runs another job as well.
TEST_SECONDS, SECONDS = 600, 3600


def run(job):
    ansible_envs.docs(job.say)
    ansible_envs.core("2.16", job.say)
    with job.sandbox("--hosts", "1", "--without-channel") as sandbox:
        job.pytest(paths.VENV / "bin" / "python", "tests/docs", "--timeout=%d" % TEST_SECONDS, seconds=SECONDS, **sandbox.environment)
