"""The contract of a space: the shipped ones keep it, and each rule is broken by some other."""

import pytest

from autokd.errors import PluginError
from autokd.export import verify
from autokd.testing import ContractBrokenError, check_space
from autokd.testing import space as contract
from tests.plugins.declare import EXAMPLE, declare, declare_example

TEXT = (EXAMPLE / "src" / "autokd_example" / "space.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["edge", pytest.param("paper", marks=pytest.mark.slow)])
def test_a_space_of_autokd_keeps_the_contract(name):
    check_space(name)


def test_the_example_keeps_the_contract(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    check_space("residual-chain")


def check_odd(folder, monkeypatch, *changes):
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    declare(
        monkeypatch, folder, {"space": {"odd": "odd_space:RESIDUAL_CHAIN"}}, {"odd_space": text}
    )
    monkeypatch.setattr(contract, "IMAGES", ((32, 3),))
    check_space("odd")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            [
                ("genotype.base_width * genotype", "8 * genotype"),
            ],
            "a wider student costs more, since the width is solved for; widths",
        ),
        (
            [
                ("STAGES = 3\n", "STAGES = 3\nimport random\n"),
                ('kernel=int(own["kernel"])', "kernel=random.Random().choice([3, 5])"),
            ],
            "a candidate has the same layers in every process",
        ),
        (
            [
                ("STAGES = 3\n", "STAGES = 3\nimport random\n"),
                (
                    "    own = dict(genotype.own)\n",
                    "    own = dict(genotype.own)\n    random.random()\n",
                ),
            ],
            "the global generator of random was used",
        ),
        (
            [("genotype.base_width * genotype", "2000 * genotype.base_width * genotype")],
            "what is tried first fits 2 MiB",
        ),
        (
            [
                ("    lower=lower,\n    starts=starts,\n", "    lower=lower,\n"),
                ("genotype.base_width * genotype", "2000 * genotype.base_width * genotype"),
            ],
            "most members fit 2 MiB at some width; 0 of 12 members do",
        ),
    ],
)
def test_a_broken_rule_is_named(tmp_path, monkeypatch, changes, text):
    with pytest.raises(ContractBrokenError, match=text) as fault:
        check_odd(tmp_path, monkeypatch, *changes)
    assert str(fault.value).startswith("space 'odd'")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([('"bottom_rewire": 0.0', '"bottom_rewire": 7.0')], "bottom_rewire"),
        ([('        "top_nodes": 3,\n', "")], "top_nodes"),
        ([('Interval("alpha", 0.0, 1.0)', 'Interval("alfa", 0.0, 1.0)')], "no dimension 'alpha'"),
        ([('Interval("fill", 0.35', 'Interval("growth", 0.35')], "two dimensions have one name"),
        (
            [('Choice("input_px", sizes(image_px))', 'Interval("input_px", 16, 32)')],
            "'input_px' must be a Choice of sizes",
        ),
        ([('"kernel": 3, "growth"', '"growth"')], "KeyError: 'kernel'"),
        ([("    return build.build()\n", "    return build\n")], "lower gave a ProgramBuilder"),
        ([("place), genotype.classes)", "place), 1000)")], r"classes are \(3, 32, 1000\)"),
        ([("RESIDUAL_CHAIN = SpaceDefinition(", "RESIDUAL_CHAIN = dict(")], "is a dict; its entry"),
    ],
)
def test_what_no_search_could_use_is_a_fault_of_the_plug_in(tmp_path, monkeypatch, changes, text):
    with pytest.raises(PluginError, match=text) as fault:
        check_odd(tmp_path, monkeypatch, *changes)
    assert str(fault.value).startswith("space 'odd' of other-package 2.1: ")


def test_a_way_back_to_another_family_is_seen(monkeypatch):
    real = contract.StudentSpace.encode

    def encode(self, family, distill):
        return real(self, family, distill.model_copy(update={"alpha": 1 - distill.alpha}))

    monkeypatch.setattr(contract.StudentSpace, "encode", encode)
    with pytest.raises(ContractBrokenError, match="and back leads to the same family"):
        check_space("edge")


def test_a_file_that_computes_something_else_is_seen(monkeypatch):
    monkeypatch.setattr(contract, "IMAGES", ((28, 1),))
    monkeypatch.setattr(
        contract, "run_onnx", lambda path, images: verify.run_onnx(path, images) * 2.0
    )
    with pytest.raises(ContractBrokenError, match="for a board computes what torch does"):
        check_space("edge")
