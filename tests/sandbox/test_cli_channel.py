"""The channel goes into a host's tree and out again, byte for byte."""

import pytest
from clikit import Cli

from sandbox import channel, client, hosts
from sandbox.errors import SandboxError


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


@pytest.mark.parametrize("change", [channel.put_files, channel.take_files])
def test_damaged_markers_in_conf_are_refused_by_name_and_nothing_changes(generic, change):
    channel.put_files(generic)
    conf = generic / "apis/conf.py"
    conf.write_bytes(conf.read_bytes().replace(b"# END ding.blueking\n", b"SITE_SYSTEMS = 1\n"))
    before = snapshot(generic)
    with pytest.raises(SandboxError, match=r"apis/conf\.py was not changed.*the BEGIN in line 2 has no END"):
        change(generic)
    assert snapshot(generic) == before


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
