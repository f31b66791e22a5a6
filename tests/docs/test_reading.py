"""Blocks and marks are read from documents as people write them."""

import pytest

from tests.docs import blocks
from tests.docs.blocks import blocks_of

PAGE = """\
<!-- a comment of no kind -->

# Page

    autokd doctor

<!-- not run: needs
a board -->

    autokd bench a.onnx \\
        --target ssh://board

Not marked:

```python
x = 1
```

- in a list

    <!-- file: a.toml -->
    <!-- in: demo -->

    ```toml
    a = 1
    ```

A tree:

    RUN/  results.json

Code without a fence:

    import autokd

```fortran
END
```
"""


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text(PAGE)
    return blocks_of(tmp_path / "page.md")


def test_each_block_has_a_kind(found):
    kinds = ["commands", "not run", "python", "file", "shown", "unknown", "unknown"]
    assert [block.kind for block in found] == kinds


def test_a_mark_is_for_the_next_block_alone(found):
    assert found[1].marks == {"not run": "needs a board"}
    assert found[2].marks == {}
    assert found[3].marks == {"file": "a.toml", "in": "demo"}


def test_the_line_is_that_of_the_code(found):
    lines = PAGE.splitlines()
    for block in found:
        assert lines[block.line - 1].strip() == block.text.splitlines()[0].strip()


def test_lines_that_go_on_are_one_command(found):
    assert list(found[1].commands()) == [
        ["autokd", "bench", "a.onnx", "--target", "ssh://board"],
    ]


def test_a_mark_above_the_title_is_for_all_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text(
        "<!-- tested by: a.py -->\n\n# A\n\n    autokd a\n\nB:\n\n    cd b\n"
    )
    assert [b.kind for b in blocks_of(tmp_path / "page.md")] == ["elsewhere", "elsewhere"]
