"""Writes ``profiles/profile.schema.json``, the JSON Schema of a device profile.

    python tools/make_profile_schema.py

Editors that know JSON Schema for TOML complete and check a profile with it. It is made from
`autokd.core.device.DeviceProfile`, which stays the one truth: what a schema cannot say, such as
that a clock of 1430 GHz is a mistaken unit, only ``autokd devices check`` finds.
"""

import json
from pathlib import Path

from autokd.core.codec import write_atomically
from autokd.core.device import DeviceProfile

TARGET = Path(__file__).resolve().parent.parent / "profiles" / "profile.schema.json"


def profile_schema() -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "autokd device profile",
    }
    schema |= {k: v for k, v in DeviceProfile.model_json_schema().items() if k != "title"}
    return json.dumps(schema, indent=1) + "\n"


def main() -> None:
    write_atomically(TARGET, profile_schema())
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
