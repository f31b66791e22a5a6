import pytest

from autokd.space.program import Program, ProgramBuilder


@pytest.fixture
def builder() -> ProgramBuilder:
    return ProgramBuilder(image_channels=3, input_px=9)


def test_a_program_says_what_it_takes_and_gives(builder: ProgramBuilder) -> None:
    builder.classify(builder.conv("conv", 0, 4), 7)
    program = builder.build(dropout=0.2)
    assert (program.image_channels, program.input_px, program.classes) == (3, 9, 7)
    assert program.dropout == 0.2
    assert [layer.kind for layer in program.layers] == ["image", "conv", "gap", "linear"]


@pytest.mark.parametrize(("stride", "px"), [(1, 9), (2, 5), (3, 3), (4, 3)])
def test_a_padded_convolution_rounds_its_side_up(
    builder: ProgramBuilder, stride: int, px: int
) -> None:
    assert builder.px(builder.conv("conv", 0, 4, stride=stride)) == px


def test_a_depthwise_convolution_has_a_group_a_channel(builder: ProgramBuilder) -> None:
    wide = builder.conv("wide", 0, 12)
    builder.conv("deep", wide, 12, depthwise=True)
    builder.classify(wide, 2)
    program = builder.build()
    assert [layer.groups for layer in program.layers[1:3]] == [1, 12]


def test_what_would_change_nothing_adds_no_layer(builder: ProgramBuilder) -> None:
    conv = builder.conv("conv", 0, 4)
    assert builder.sum("sum", [conv]) == conv
    assert builder.pool("pool", conv, 9) == conv


def test_a_pool_averages_whole_squares_alone(builder: ProgramBuilder) -> None:
    assert builder.px(builder.pool("pool", 0, 3)) == 3
    with pytest.raises(AssertionError, match="bad: 9 px is no multiple of 2"):
        builder.pool("bad", 0, 2)


def test_only_equal_shapes_are_summed(builder: ProgramBuilder) -> None:
    first, second = builder.conv("first", 0, 4), builder.conv("second", 0, 5)
    with pytest.raises(AssertionError, match=r"sum: inputs of shapes \[\(4, 9\), \(5, 9\)\]"):
        builder.sum("sum", [first, second])


def test_a_name_is_given_once(builder: ProgramBuilder) -> None:
    builder.conv("conv", builder.conv("conv", 0, 4), 4)
    with pytest.raises(AssertionError, match="layer names repeat"):
        builder.build()


def test_the_last_reader_of_a_layer_is_the_last_that_needs_it(builder: ProgramBuilder) -> None:
    stem = builder.conv("stem", 0, 4)
    deep = builder.conv("deep", stem, 4)
    builder.classify(builder.sum("sum", [deep, stem]), 2)
    program: Program = builder.build()
    #                                image, stem, deep, sum, gap, classifier
    assert program.last_readers() == (1, 3, 3, 4, 5, 5)
