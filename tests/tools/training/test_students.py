from autokd.models.network import StudentNetwork
from tools.training.students import FAMILIES, build_program


def test_the_students_are_alike_in_size_and_of_different_shape() -> None:
    convolutions = {}
    for name in FAMILIES:
        program, params = build_program(name, input_px=32, image_channels=3, classes=100)
        assert 50_000 <= params <= 150_000
        assert params == sum(p.numel() for p in StudentNetwork(program).parameters())
        kernels = [layer for layer in program.layers if layer.kind == "conv"]
        sums = sum(len(layer.inputs) for layer in program.layers if layer.kind == "sum")
        convolutions[name] = (len(kernels), sum(k.groups > 1 for k in kernels), sums)
    assert convolutions["chain"][0] < 20
    assert convolutions["depthwise"][1] >= 20
    assert convolutions["dense"][0] > 50
    assert convolutions["dense"][1] == 0
    assert convolutions["dense"][2] > 5 * convolutions["chain"][2]
