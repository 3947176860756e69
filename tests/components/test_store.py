# -*- coding: utf-8 -*-
"""Where a host keeps its small files: with the ESB's logs, else among temporary ones, else nowhere."""
from __future__ import absolute_import, division, print_function

import fcntl
import io
import os
import signal
import tempfile

import pytest
from components.generic.apis.ding_blueking.toolkit import store


@pytest.fixture
def logs(monkeypatch, tmpdir):
    """The only folder of logs."""
    folder = str(tmpdir.mkdir("logs"))
    monkeypatch.setattr(store.esb_settings, "LOG_DIR", folder, raising=False)
    monkeypatch.delenv("PAAS_LOGGING_DIR", raising=False)
    return folder


def no_place():
    raise IOError(2, "No usable temporary directory found")


def test_with_good_logs_nobody_asks_for_a_temporary_folder(monkeypatch, logs):
    monkeypatch.setattr(tempfile, "gettempdir", no_place)
    files = store.Files()
    assert files.folder() == files.lasting_folder() == os.path.join(logs, store.FOLDER)
    assert os.stat(files.folder()).st_mode & 0o777 == 0o700


def test_where_the_logs_take_nothing_it_is_a_temporary_one_that_does_not_last(monkeypatch, logs, tmpdir):
    open(os.path.join(logs, store.FOLDER), "w").close()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmpdir))
    files = store.Files()
    assert files.folder() == str(tmpdir.join("%s-%d" % (store.FOLDER, os.getuid()))) and files.lasting_folder() is None


def test_where_nothing_takes_files_there_is_none_and_reading_finds_nothing(monkeypatch, logs):
    open(os.path.join(logs, store.FOLDER), "w").close()
    monkeypatch.setattr(tempfile, "gettempdir", no_place)
    files = store.Files()
    assert files.folder() is None and files.lasting_folder() is None and files.read(u"key") is None


def test_a_folder_that_others_can_read_is_not_ours(monkeypatch, logs):
    os.mkdir(os.path.join(logs, store.FOLDER), 0o755)
    os.chmod(os.path.join(logs, store.FOLDER), 0o755)
    monkeypatch.setattr(tempfile, "gettempdir", no_place)
    assert store.Files().folder() is None


def free(path):
    """Whether somebody else can lock the file for writing now."""
    with io.open(path, "rb") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError:
            return False
        return True


@pytest.mark.parametrize("is_read", [False, True])
def test_a_process_that_is_started_meanwhile_does_not_keep_the_lock(monkeypatch, logs, is_read):
    """Another thread's, that runs on: every worker of this host would wait for it."""
    files, children, seen = store.Files(), [], []
    files.update(u"key", lambda stored: ({"a": 1}, None))
    (name,) = [each for each in os.listdir(files.folder()) if each.endswith(".json")]
    path, loads = os.path.join(files.folder(), name), store._loads

    def start(data):
        seen.append(free(path))
        children.append(os.fork())
        if children[-1] == 0:
            try:
                signal.alarm(30)
                signal.pause()
            finally:
                os._exit(1)
        return loads(data)

    monkeypatch.setattr(store, "_loads", start)
    try:
        assert files.read(u"key") == {"a": 1} if is_read else files.update(u"key", lambda stored: (stored, stored)) == {"a": 1}
        assert seen == [False] and free(path)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
