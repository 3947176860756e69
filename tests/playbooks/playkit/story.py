"""One install from the very start, told once for all tests that only look back at it, and kept to come back to."""


class Story:
    """check run, install, second install; what the platform was before and behind each."""

    def __init__(self, site, play):
        site.virgin()
        self.start, self.pids_at_start = site.state(), site.every_pid()
        self.check = play("install", check=True, diff=True)
        self.after_check, self.pids_after_check = site.state(), site.every_pid()
        site.world.dingtalk.forget()
        self.first = play("install", diff=True)
        self.messages = site.world.dingtalk.messages()
        self.installed, self.pids, self.rows = site.state(), site.every_pid(), site.rows(all_columns=True)
        site.world.dingtalk.forget()
        self.second = play("install", diff=True)
        self.again, self.pids_again, self.rows_again = site.state(), site.every_pid(), site.rows(all_columns=True)
        self.messages_again = site.world.dingtalk.messages()
        self.moment = site.moment()
