"""`fit --device`: what networks train on is said, and what is not there is refused before any work."""

import pytest

from helpers import assert_refused, run_cli
from onehalf.cli import _devices


@pytest.mark.parametrize(
    ("device", "more", "sentence"),
    [
        (
            "gpu",
            (),
            "device: expected one that JAX finds here (cpu); got gpu. For NVIDIA's: pip",
        ),
        ("tpu", (), "device: expected one that JAX finds here (cpu); got tpu."),
        ("gpx", (), "device: expected one of cpu, gpu, tpu; got 'gpx'. Did you mean gpu?"),
        ("gpu", ("--players", "trees"), "device: expected cpu, where trees train; got gpu."),
    ],
)
def test_a_device_that_is_not_there_is_refused_before_data_are_read(device, more, sentence):
    assert_refused(run_cli("fit", "nowhere.csv", "--device", device, *more), sentence)


def test_an_accelerator_is_named(monkeypatch):
    class Device:
        platform = "gpu"
        device_kind = "NVIDIA H100"

    monkeypatch.setattr("jax.devices", lambda: [Device()])
    assert _devices.describe_device() == "a GPU (NVIDIA H100)"
    _devices.choose_device("gpu")
    with pytest.raises(ValueError, match=r"finds here \(gpu and cpu\); got tpu"):
        _devices.choose_device("tpu")
