"""Runs the collection's playbooks on the cluster, as from a control host: by ssh, and every run is searched for secrets."""

from playkit.player import Player

# What a machine may need that runs other tests beside these.
SECONDS = 900


class RemotePlayer(Player):
    """As tests/playbooks/playkit/player.py; a connection that is kept ends soon after its run, for the run to be over."""

    def __call__(self, name, *arguments, seconds=SECONDS, **options):
        return super().__call__(name, *arguments, seconds=seconds, **options)

    def _environment(self, place, fault, more):
        return {**super()._environment(place, fault, more), "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=2s"}
