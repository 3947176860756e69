"""Whether a text holds a secret: as it is, in part, and as JSON, URLs, base64 and hexadecimal digits write it."""

import base64
import json
import urllib.parse

# No shorter part is looked for: it could be there by chance.
PART = 20


def forms(value):
    """All the texts that would tell the secret; of base64, which depends on what comes before, the inner part at each of three offsets."""
    parts = [value, value[:max(PART, len(value) // 2)], value[-max(PART, len(value) // 2):]]
    found = set(parts) | {json.dumps(part)[1:-1] for part in parts}
    found |= {write(part, safe="") for part in parts for write in (urllib.parse.quote, urllib.parse.quote_plus)}
    for write in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            text = write(b"x" * offset + value.encode("utf-8")).decode("ascii").rstrip("=")
            found.add(text[4 if offset else 0:-2][:2 * PART])
    found.add(value.encode("utf-8").hex())
    return found


def found_in(text, secrets):
    """The names of the secrets that a text holds."""
    return sorted(name for name, value in secrets.items() if any(form in text for form in forms(value)))
