"""The table of published latencies, and the networks in it."""

import numpy as np
import pytest

from autokd.space.latency import COEFFICIENTS
from tools.latency.networks import NETWORKS, network_costs
from tools.latency.published import BOARDS, Point, PointPredictor, read_points

HEADER = "device_id,device,model,precision,runtime,threads,latency_ms,notes\n"


@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    # Published for 224 px: 4.09 and 1.81 billion multiply-accumulates; parameters less BatchNorm.
    [("ResNet-50", 4.09e9, 25.5e6), ("ResNet-18", 1.81e9, 11.7e6), ("MobileNetV2", 0.3e9, 3.47e6)],
)
def test_networks_have_the_size_that_is_published(name, macs, weights):
    costs = network_costs(name)
    assert sum(cost.macs for cost in costs) == pytest.approx(macs, rel=0.02)
    assert sum(cost.weight_bytes for cost in costs) / 4 == pytest.approx(weights, rel=0.02)


def test_every_network_has_convolutions_and_one_classifier():
    for name in NETWORKS:
        kinds = [cost.kind for cost in network_costs(name)]
        assert kinds.count("pointwise") > 2
        # SqueezeNet's classifier is a convolution.
        assert ("linear" in kinds) == (name != "SqueezeNet1.1")


def test_rows_of_all_cores_and_of_one_thread_are_told_apart(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        HEADER
        + "raspberry-pi-4b,Pi 4,ResNet-18,fp32 (fp16 storage),ncnn CPU,4,120,all cores\n"
        + "raspberry-pi-4b,Pi 4,ResNet-18,fp32 (fp16 storage),ncnn CPU,1,330,one\n"
        + "raspberry-pi-5,Pi 5,ResNet-18,fp16,ncnn CPU,4,20,all cores\n"
        + "raspberry-pi-5,Pi 5,ResNet-18,int8,ncnn CPU,4,18,all cores\n"
        + "raspberry-pi-5,Pi 5,ResNet-18,fp16,TFLite,4,30,another runtime\n"
        + "rock-5b,Rock 5B,ResNet-18,fp16,ncnn CPU,4,200,little cores\n"
    )
    assert [p.latency_ms for p in read_points(path, one_thread=True)] == [330.0]
    points = read_points(path, one_thread=False)
    assert points == [
        Point("raspberry-pi-4b", "ResNet-18", 4, False, 120.0),
        Point("raspberry-pi-5", "ResNet-18", 4, True, 20.0),
    ]


def test_a_plain_prediction_is_the_roofline_of_the_spec_sheet():
    coefficients = np.array(
        [0.0 if n in ("edge_px", "per_node_us", "per_run_us") else 1.0 for n in COEFFICIENTS]
    )
    board = BOARDS["raspberry-pi-4b"]
    peak, traffic = 4 * 1.8e9 * 8 / 2, board.traffic_gb_per_s * 1e9
    expected = sum(
        max(c.macs / peak, (c.read_bytes + c.written_bytes + c.weight_bytes) / traffic)
        for c in network_costs("ResNet-18")
    )
    points = [Point("raspberry-pi-4b", "ResNet-18", 4, False, 120.0)]
    assert PointPredictor(points, plain=True)(coefficients) == pytest.approx([1e3 * expected])


def test_a_faster_core_calls_an_operator_sooner():
    only = np.array([1e12] * 5 + [1.0, 0.0, 15.0, 0.0])  # nothing but the calls
    points = [
        Point("raspberry-pi-zero-2w", "ResNet-18", 4, False, 1.0),
        Point("raspberry-pi-5", "ResNet-18", 4, False, 1.0),
    ]
    zero, five = PointPredictor(points, plain=True)(only)
    count = len(network_costs("ResNet-18"))
    assert zero == pytest.approx(15e-3 * count, rel=1e-3)
    assert five == pytest.approx(zero / (2.4 * 2), rel=1e-3)
