"""Property tests: pure functions of plugins/module_utils under made-up input. No deadline: other jobs share the machine."""

import pathlib
import sys

from hypothesis import settings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

settings.register_profile("make test", deadline=None, database=None, max_examples=300, print_blob=True)
settings.load_profile("make test")
