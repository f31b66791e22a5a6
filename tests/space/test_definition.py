"""The space of a plug-in through the parts that use it."""

import numpy as np
import pytest

from autokd.core.codec import parse_record
from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.genotype import Genotype
from autokd.core.trial import Candidate
from autokd.errors import PluginError
from autokd.space.coding import SPACES, definition_of, dimensions, input_sizes
from autokd.space.lowering import lower
from autokd.space.students import StudentSpace
from tests.plugins.declare import declare, declare_example

WIDER = """
from autokd.space.coding import SPACES
from autokd.space.definition import SpaceDefinition

def ranges(image_px):
    return tuple(d for d in SPACES["edge"].ranges(image_px) if d.name not in ("input_px", "block"))

WIDER = SpaceDefinition(ranges=ranges, fixed={"block": "separable"}, smallest_width=12)
"""


def space_of(name, **given):
    return StudentSpace(
        preset=name,
        profile=load_profile("raspberry-pi-5"),
        limits=Limits(max_params=300_000),
        image_px=32,
        image_channels=3,
        class_names=tuple("abcde"),
        **given,
    )


def test_a_family_keeps_the_numbers_that_only_its_space_knows(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    space = space_of("residual-chain", loss="dkd")
    family, distill = space.decode(np.array([0.9, 0.9, 0.5, 0.5, 0.9, 0.5, 0.5]))
    assert family.own == (("blocks", 3), ("kernel", 5))
    assert (family.preset, family.input_px, distill.loss) == ("residual-chain", 32, "dkd")
    assert family.values()["kernel"] == 5
    again, _ = space.decode(space.encode(family, distill))
    assert again.values() == pytest.approx(family.values())


def test_a_candidate_and_its_genotype_pass_through_files(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    space = space_of("residual-chain")
    found = space.draw(np.full(7, 0.5), member_seed=1, origin="random")
    read = parse_record(Candidate, found.model_dump(mode="json"), where="file")
    assert read == found
    genotype = space.genotype(read)
    kernels = {layer.kernel for layer in lower(genotype).layers if layer.name.endswith("_conv")}
    assert kernels == {dict(found.family.own)["kernel"]}
    assert parse_record(Genotype, genotype.model_dump(mode="json"), where="file") == genotype
    assert 150_000 < found.cost.params <= 300_000
    other = genotype.model_copy(update={"own": (("blocks", 1), ("kernel", 3))})
    assert other.digest != genotype.digest


def test_the_digest_of_a_shipped_student_is_what_it_was_before_there_were_plug_ins():
    genotype = space_of("edge").genotype(
        space_of("edge").draw(np.full(15, 0.5), member_seed=1, origin="random")
    )
    import hashlib

    raw = genotype.model_dump_json()
    assert '"own":[]' in raw
    before = raw.replace(',"own":[]', "")
    assert genotype.digest == hashlib.sha256(before.encode()).hexdigest()[:12]


def test_starts_are_those_of_the_plug_in(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    starts = space_of("residual-chain").starts()
    assert [space_of("residual-chain").decode(p)[0].input_px for p in starts] == [32, 16]


def test_without_rules_of_its_own_a_space_has_the_layers_of_edge(tmp_path, monkeypatch):
    declare(
        monkeypatch, tmp_path, {"space": {"wider": "wider_space:WIDER"}}, {"wider_space": WIDER}
    )
    space = space_of("wider")
    assert space.dimension == len(dimensions("edge", 32)) - 2
    assert input_sizes("wider", 50) == (50,)
    assert definition_of("wider").smallest_width == 12
    found = space.draw(np.full(space.dimension, 0.5), member_seed=1, origin="random")
    genotype = space.genotype(found)
    assert genotype.block == "separable"
    assert lower(genotype) == lower(genotype.model_copy(update={"preset": "edge"}))


def test_a_space_that_is_not_installed_is_told_by_who_needs_its_rules():
    genotype = space_of("edge").genotype(
        space_of("edge").draw(np.full(15, 0.5), member_seed=1, origin="random")
    )
    with pytest.raises(PluginError, match="there is no space 'elsewhere'"):
        lower(genotype.model_copy(update={"preset": "elsewhere"}))


def test_the_shipped_spaces_are_definitions_too():
    assert definition_of("edge") is SPACES["edge"]
    assert SPACES["paper"].starts(32) == ()
