"""Modules on the hosts of an install.config: each host gets its own variables, and a group is what the platform's file says."""

import pytest

BK_HOME = "{{ ding_bk_home }}"


def outcomes(results, word="changed"):
    return {address: bool(result.get(word)) for address, result in results.items()}


@pytest.mark.parametrize("group, addresses", [("paas", ["127.0.0.1", "127.0.0.2"]), ("nginx", ["127.0.0.1"]), ("mysql_paas", ["127.0.0.2"])])
def test_a_module_of_the_platforms_file_is_a_group_to_run_on(on, group, addresses):
    found = on(group, "host_lease", bk_home=BK_HOME, run_id="of-this-test", state="free")
    assert sorted(found) == addresses
    assert outcomes(found, "failed") == dict.fromkeys(addresses, False), found


def test_the_package_comes_to_each_hosts_own_folder_and_goes_again(on, platform):
    arguments = {"bk_home": BK_HOME, "state": "present"}
    folders = {address: host.generic / "apis" / "ding_blueking" for address, host in platform.hosts.items()}
    one = on("nginx", "esb_package", **arguments)
    assert outcomes(one) == {"127.0.0.1": True}, one
    assert {address: folder.is_dir() for address, folder in folders.items()} == {"127.0.0.1": True, "127.0.0.2": False}
    rest = on("paas", "esb_package", **arguments)
    assert outcomes(rest) == {"127.0.0.1": False, "127.0.0.2": True}, rest
    assert all(folder.is_dir() for folder in folders.values())
    gone = on("paas", "esb_package", bk_home=BK_HOME, state="absent")
    assert outcomes(gone) == dict.fromkeys(folders, True), gone
    assert not any(folder.exists() for folder in folders.values())


def test_a_lease_on_one_group_keeps_another_operator_off_its_hosts_only(on, platform):
    mine = {"bk_home": BK_HOME, "run_id": "mine", "operator": "one@control"}
    theirs = dict(mine, run_id="theirs", operator="two@control")
    try:
        assert outcomes(on("mysql_paas", "host_lease", **mine)) == {"127.0.0.2": True}
        found = on("paas", "host_lease", **theirs)
        assert outcomes(found, "failed") == {"127.0.0.1": False, "127.0.0.2": True}, found
        assert "one@control" in found["127.0.0.2"]["msg"]
    finally:
        for run in (mine, theirs):
            on("paas", "host_lease", **dict(run, state="free"))
    assert not [host for host in platform.hosts.values() if (host.bk_home / ".ding_blueking.lease").exists()]
