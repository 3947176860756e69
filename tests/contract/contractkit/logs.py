"""The ESB's logs: searched for secrets, and read for the trace of outgoing calls."""

import json


class Logs(object):
    def __init__(self, folders):
        self.folders = folders
        self._offsets = {}

    def files(self):
        return [path for folder in self.folders for path in sorted(folder.rglob("*")) if path.is_file()]

    def forget(self):
        self._offsets = {path: path.stat().st_size for path in self.files()}

    def new_text(self, name=None):
        """Everything written since forget(), of all logs or of those called `name`."""
        texts = []
        for path in self.files():
            if name is None or path.name == name:
                with path.open("rb") as stream:
                    stream.seek(self._offsets.get(path, 0))
                    texts.append(stream.read().decode("utf-8", "replace"))
        return "".join(texts)

    def api_lines(self):
        """The JSON lines written to esb_api.log since forget()."""
        found = []
        for line in self.new_text("esb_api.log").splitlines():
            if line.strip().startswith("{"):
                found.append(json.loads(line))
        return found

    def holding(self, words):
        """[(file, number of the word)] for each of `words` in any log; never the word itself."""
        words = list(words)
        found = []
        for path in self.files():
            content = path.read_bytes()
            for index, word in enumerate(words):
                if word.encode("utf-8") in content:
                    found.append((path.name, index))
        return found
