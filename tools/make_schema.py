"""Writes ``autokd/report/results.schema.json``, the JSON Schema of ``results.json``.

    python tools/make_schema.py

It is made from `autokd.core.results.Report`, as the file is written: keys with a default are there
too. A test holds the two equal.
"""

import json
from pathlib import Path

from autokd.core.codec import write_atomically
from autokd.core.results import Report

TARGET = Path(__file__).resolve().parent.parent / "autokd" / "report" / "results.schema.json"


def results_schema() -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "results.json of autokd",
    }
    made = Report.model_json_schema(mode="serialization")
    schema |= {key: value for key, value in made.items() if key != "title"}
    return json.dumps(schema, indent=1) + "\n"


def main() -> None:
    write_atomically(TARGET, results_schema())
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
