"""`make test`: python -m tests.run [STAGE …] [-- pytest's arguments]."""

import sys

from tests.run.main import entry

if __name__ == "__main__":
    sys.exit(entry(sys.argv[1:]))
