"""Which component code the local ESB finds, when it does, and what it makes of broken code."""
import pytest
from esbhost import CUSTOM, PYTHONS, Host, conf, environment_of, probe, running

ANSWER = 'self.response.payload = {"result": True, "data": "%s"}'
NAMES = ("custom", "in_toolkit", "in_apidoc", "hidden", "broken", "compiled", "deep", "imported", "lazy", "first")


@pytest.fixture(scope="module", params=PYTHONS)
def host(request, tmp_path_factory):
    host = Host(environment_of(request.param), tmp_path_factory.mktemp("loading"))
    place = CUSTOM + "probe/"
    host.write(CUSTOM + "conf.py", conf(*[probe(name) for name in NAMES]))
    host.component(place + "custom.py", "Custom", body=ANSWER % "custom")
    host.component(place + "deep/er/deep.py", "Deep", body=ANSWER % "deep")
    host.component(place + "toolkit/in_toolkit.py", "InToolkit", body=ANSWER % "in_toolkit")
    host.component(place + "apidoc/in_apidoc.py", "InApidoc", body=ANSWER % "in_apidoc")
    host.component(place + "_hidden.py", "Hidden", body=ANSWER % "hidden")
    host.component(place + "broken.py", "Broken", body=ANSWER % "broken", head="raise RuntimeError('broken on purpose')")
    host.component(place + "toolkit/base.py", "Imported", body=ANSWER % "imported")
    host.write(place + "importing.py", "from .toolkit.base import Imported  # noqa\n")
    marker = host.folder / "imported"
    host.component(place + "lazy.py", "Lazy", body=ANSWER % "lazy", head="open(%r, 'w').close()" % str(marker))
    second = "class Second(First):\n    pass\n"
    host.component(place + "two.py", "First", body=ANSWER % "first")
    with open(host.home / place / "two.py", "a") as module:
        module.write("\n\n" + second)
    host.component(place + "compiled.py", "Compiled", body=ANSWER % "compiled")
    host.run("-c", "import py_compile; py_compile.compile(%r, %r, doraise=True)" % (
        place + "compiled.py", place + "compiled.pyc"))
    (host.home / place / "compiled.py").unlink()
    host.component(CUSTOM + "heart/detect.py", "Detect", "HEARTBEAT", ANSWER % "apis")
    host.component("components/bk/apis/heart/other.py", "Custom", "OVER", ANSWER % "bk")
    host.component(CUSTOM + "over/custom.py", "Custom", "OVER", ANSWER % "apis")
    host.component("components/bk/apisv2/over/custom.py", "Custom", "OVER", ANSWER % "v2")
    host.write(CUSTOM + "types.py", """
from components.generic.templates.cmsi.toolkit import configs
configs.msg_type.append({"type": "pigeon", "label": u"信鸽", "label_en": "Pigeon", "active_icon": "A", "unactive_icon": "U",
                         "is_active": True})
configs.msg_type_map["pigeon"] = "send_pigeon"
""")
    host.component(CUSTOM + "pigeon.py", "SendPigeon", "CMSI",
                   'self.response.payload = {"result": True, "data": self.request.kwargs["content"]}')
    host.marker = marker
    host.prepare()
    host.script("""
from esb.bkcore.models import ComponentSystem, ESBChannel
system = ComponentSystem.objects.get(name="PROBE")
for path, codename in (("/over/custom/", "generic.over.custom"), ("/v2/over/custom/", "generic.v2.over.custom"),
                       ("/probe/in_toolkit/", "generic.probe.in_toolkit"), ("/probe/in_apidoc/", "generic.probe.in_apidoc"),
                       ("/probe/hidden/", "generic.probe.hidden"), ("/probe/broken/", "generic.probe.broken"),
                       ("/probe/imported/", "generic.probe.imported")):
    ESBChannel.objects.get_or_create(path=path, defaults={"component_codename": codename, "component_system": system})
""")
    marker.unlink()  # the sync has imported everything as well
    with running(host):
        yield host


def test_code_is_imported_at_the_first_component_request_only(host):
    # the first test of the module: nothing has called a component of this worker
    host.restart()
    host.call("/healthz/")
    assert not host.marker.exists()
    host.api("/probe/lazy/")
    assert host.marker.exists()


@pytest.mark.parametrize("name", ["custom", "deep", "compiled"])
def test_a_custom_component_is_served(host, name):
    assert host.api("/probe/%s/" % name)["data"] == name


@pytest.mark.parametrize("name", ["in_toolkit", "in_apidoc", "hidden", "broken", "imported"])
def test_what_may_not_be_loaded_is_not_found(host, name):
    answer = host.api("/probe/%s/" % name)
    assert answer["code"] == 1306404
    assert answer["message"] == "Not found, component class not found, generic.probe.%s" % name


def test_only_the_first_class_of_a_module_by_name_counts(host):
    assert host.api("/probe/first/")["data"] == "first"


def test_a_broken_module_is_logged(host):
    host.api("/probe/custom/")
    log = (host.logs / "esb.log").read_text("utf-8")
    assert "Error when register file" in log and "broken.py, skip" in log and "broken on purpose" in log


def test_a_later_folder_overrides_an_earlier_one(host):
    assert host.api("/heartbeat/detect/", timestamp=1)["data"] == "apis"
    assert host.api("/over/custom/")["data"] == "bk"


def test_components_of_apisv2_have_their_own_prefix(host):
    assert host.api("/v2/over/custom/")["data"] == "v2"


def test_a_message_type_added_at_import_is_listed_and_sent(host):
    listed = {entry["type"]: entry for entry in host.api("/cmsi/get_msg_type/")["data"]}
    assert listed["pigeon"] == {"type": "pigeon", "label": "Pigeon", "icon": "A", "is_active": True}
    answer = host.api("/cmsi/send_msg/", msg_type="pigeon", receiver__username="ann", title="t", content="coo")
    assert answer["data"] == "coo"


def test_check_custom_codename(host):
    def asked(codename):
        answer = host.call("/healthz/check_custom_codename/?codename=" + codename)
        assert answer.status == 200
        return answer.text

    assert asked("generic.probe.custom").startswith('component "generic.probe.custom" exists')
    missing = asked("generic.probe.none")
    assert 'component "generic.probe.none" does not exist' in missing
    assert "broken.py\nException: broken on purpose" in missing
    assert "does not math the rule" in asked("custom")


def test_new_code_is_served_after_a_restart_only(host):
    host.component(CUSTOM + "probe/new.py", "New", body=ANSWER % "new")
    host.script("from esb.bkcore.models import ESBChannel\n"
                "ESBChannel.objects.create(path='/probe/new/', component_codename='generic.probe.new')")
    assert host.api("/probe/new/")["code"] == 1306404
    host.restart()
    assert host.api("/probe/new/")["data"] == "new"
