"""The example package has tests of its own, which need it installed; see test_installed.py."""

collect_ignore = ["example_package"]
