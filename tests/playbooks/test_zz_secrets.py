"""At the end of everything: no log, lease, or backup's name holds a secret. What the runs print is searched run by run (playkit/player.py)."""

import base64
import urllib.parse

from playkit import leaks


def test_the_kit_finds_a_secret_in_every_form(site):
    value = site.secrets["app_secret"]
    encoded = base64.b64encode(b"ab" + value.encode() + b"c").decode()
    for text in (value, "x=%s&" % urllib.parse.quote(value, safe=""), encoded, value.encode().hex(), value[:20]):
        assert leaks.found_in("before %s after" % text, site.secrets) == ["app_secret"]
    assert leaks.found_in("nothing of it", site.secrets) == []


def test_no_log_holds_a_secret(site, story):
    assert leaks.found_in(site.logs(), site.secrets) == []


def test_no_lease_and_no_name_of_a_backup_holds_a_secret(site, installed, play):
    run = play("install", fault=("Install | Plan the files", "paas1", 1, "kill"))
    assert run.rc == -9 and installed.leases()
    names = [str(path) for folder in installed.backups.values() for path in folder.rglob("*")]
    assert names and leaks.found_in("\n".join([*names, str(installed.leases())]), site.secrets) == []
    assert all(path.stat().st_mode & 0o077 == 0 for folder in installed.backups.values() for path in [folder, *folder.rglob("*")])
