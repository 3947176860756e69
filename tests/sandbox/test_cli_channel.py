"""The channel goes into a host's tree and out again, byte for byte; the block of conf.py likewise."""

import pytest
from clikit import Cli

from plugins.module_utils import conf_block
from sandbox import channel, client, hosts
from sandbox.errors import SandboxError

CONTENTS = [b"", b"\n", b"A = 1", b"A = 1\n", b"A = 1\r\nB = 2\r\n", b"# \xe9 in latin-1\n\n\n", b"CHANNELS = [\n    ('/x/', {}),\n]\n"]


@pytest.mark.parametrize("content", [None, *CONTENTS])
def test_adding_and_removing_the_block_is_an_inverse(content):
    added = conf_block.add(content)
    assert conf_block.is_current(added)
    assert conf_block.add(added) == added
    assert conf_block.remove(added) == content
    assert conf_block.remove(content) == content


@pytest.mark.parametrize("content", [content for content in CONTENTS if content])
def test_what_a_site_writes_below_the_block_stays_on_lines_of_its_own(content):
    both = conf_block.add(content) + b"LATER = 1\n"
    assert conf_block.is_current(conf_block.add(both))
    after = conf_block.remove(both)
    assert after.splitlines() == content.splitlines() + [b"LATER = 1"]


def test_an_older_block_is_replaced_and_a_doubled_one_becomes_one():
    old = b"A = 1\n\n# BEGIN ding.blueking\npass\n# END ding.blueking\n"
    assert conf_block.add(old) == b"A = 1\n\n" + conf_block.BLOCK
    assert conf_block.add(conf_block.add(b"A = 1\n") + b"\n" + conf_block.BLOCK) == b"A = 1\n\n" + conf_block.BLOCK


def test_a_comment_that_only_mentions_the_markers_stays():
    text = b"# see # BEGIN ding.blueking\nA = '# END ding.blueking'\n"
    assert conf_block.remove(conf_block.add(text)) == text


@pytest.mark.parametrize("before", ["CHANNELS = [('/mine/', {})]\n", "CHANNELS = (('/mine/', {}),)\n", "OTHER = 1\n"])
def test_a_missing_package_leaves_channels_as_they_were_and_warns_once(before, caplog):
    names, alone = {"__name__": "conf"}, {}
    exec(conf_block.add(before.encode()), names)
    exec(before, alone)
    assert names.get("CHANNELS") == alone.get("CHANNELS")
    assert len(caplog.records) == 1 and "ding.blueking" in caplog.text


@pytest.fixture
def generic(tmp_path):
    """components/generic of a site with a component and a conf.py of its own."""
    apis = tmp_path / "generic" / "apis"
    (apis / "own").mkdir(parents=True)
    (apis / "own" / "thing.py").write_bytes(b"X = 1\n")
    (apis / "conf.py").write_bytes(b"CHANNELS = []")
    (apis / "conf.py").chmod(0o640)
    return tmp_path / "generic"


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_files_go_in_twice_and_out_again_without_a_trace(generic):
    before = snapshot(generic)
    channel.put_files(generic)
    once = snapshot(generic)
    channel.put_files(generic)
    assert snapshot(generic) == once != before
    assert (generic / "apis/conf.py").stat().st_mode & 0o777 == 0o640
    assert (generic / "apis/ding_blueking/_channels.py").is_file()
    channel.take_files(generic)
    assert snapshot(generic) == before


def test_what_an_interrupted_run_left_beside_apis_is_cleared(generic):
    (generic / ".ding_blueking.0000" / "old").mkdir(parents=True)
    channel.put_files(generic)
    assert not list(generic.glob(".ding_blueking.*"))


def test_stale_byte_code_of_conf_goes_with_the_change(generic):
    stale = [generic / "apis/conf.pyc", generic / "apis/__pycache__/conf.cpython-36.pyc"]
    stale[1].parent.mkdir()
    for path in stale:
        path.write_bytes(b"old")
    channel.put_files(generic)
    assert not any(path.exists() for path in stale)


def test_a_folder_that_is_no_esb_is_refused(tmp_path):
    with pytest.raises(SandboxError, match="no folder `apis`"):
        channel.put_files(tmp_path)


def test_uninstall_and_install_on_a_running_sandbox(tmp_path):
    cli = Cli(tmp_path / "home")
    try:
        cli.ok("up", "--hosts", "2", "--without-channel")
        tree = cli.home.host("paas1").generic
        before = hosts.tree_hash(tree)
        assert types(cli) & {"ding"} == set()
        cli.ok("install-channel")
        assert types(cli) >= {"ding", "mail", "weixin"}
        cli.ok("install-channel")
        cli.ok("uninstall-channel")
        assert hosts.tree_hash(tree) == before
        assert types(cli) & {"ding"} == set()
    finally:
        cli.run("down")
    assert cli.left() == []


def types(cli):
    state = cli.state()
    answer = client.esb(state["urls"]["esb"], "/api/c/compapi/cmsi/get_msg_type/", {}, state["app_code"], state["app_secret"])
    return {row["type"] for row in answer["data"] if row["is_active"]}
