"""Arrays of other libraries: their protocols by stand-ins here, PyTorch itself in the full set."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import onehalf as oh
from onehalf.data.arrays.validation import to_array
from onehalf.data.dataset import from_objects

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))


class OnDevice:
    """An array in another device's memory, as CuPy's: NumPy gets it by DLPack alone."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, *, dl_device, **options):
        assert tuple(dl_device) == (1, 0)  # the CPU
        return self.values.__dlpack__(**options)


class Tensor:
    """A tensor with a gradient on another device, as PyTorch's."""

    def __init__(self, values, steps=("detach", "cpu")):
        self.values, self.shape, self.steps = values, values.shape, steps

    def __array__(self, dtype=None, copy=None):
        if self.steps:
            raise RuntimeError(f"use tensor.{self.steps[0]}() first")
        return self.values

    def detach(self):
        return Tensor(self.values, self.steps[1:])

    def cpu(self):
        return Tensor(self.values, ())


class Odd(OnDevice):
    def __dlpack__(self, **options):
        raise BufferError("bfloat16 has no type code")


@pytest.mark.parametrize("kind", [OnDevice, Tensor])
def test_arrays_of_other_libraries_are_taken(kind):
    assert np.array_equal(to_array("X", kind(X)), X)
    data = from_objects((kind(X), kind(np.arange(60) % 2)))
    assert np.array_equal(data.array, X)
    assert data.labels.tolist() == [0, 1] * 30


@pytest.mark.parametrize("kind", [OnDevice, Tensor])
def test_they_measure_as_their_numbers_do(kind):
    other = X[:40] + 1
    asked = oh.quick_table(real=kind(X), sampler=lambda n: kind(other[np.arange(n) % 40]))
    assert asked == oh.quick_table(real=X, sampler=lambda n: other[np.arange(n) % 40])


def test_what_no_library_gives_to_numpy_is_one_sentence():
    with pytest.raises(oh.Refusal) as refusal:
        from_objects(Odd(X))
    assert str(refusal.value) == (
        "X: expected an array that NumPy can read; got Odd. "
        "Convert it to float32 first (Implicit conversion to a NumPy array is not allowed.)."
    )


def test_a_type_that_numpy_has_not_is_one_sentence():
    with pytest.raises(oh.Refusal, match=r"X: .* NumPy has; got bfloat16\. Convert them to"):
        from_objects(jnp.asarray(X, jnp.bfloat16))


SCRIPT = """
import sys
import numpy as np
import onehalf as oh

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(200, 2)), rng.normal(1.0, size=(200, 2))
expected = oh.measure(real=X, other=Y)
assert "torch" not in sys.modules

import torch

real, other = torch.tensor(X), torch.tensor(Y, requires_grad=True)
assert oh.measure(real=real, other=other).jsd_lower == expected.jsd_lower > 0
generator = torch.nn.Linear(3, 2)
found = oh.measure(real=real.float(), sampler=lambda n: generator(torch.randn(n, 3)))
assert found.jsd_estimate is not None
monitors = [
    oh.monitor([x[:100], x[100:]], lambda n: y[np.arange(n) % 200]) for x, y in [(X, Y), (real, other)]
]
one, same = ([state.log_e for state in each] for each in monitors)
assert one == same and one[-1] > 0
labels = torch.arange(200) % 2
gan = oh.GAN(rounds=2, evaluate=False).fit(real.float(), labels)
assert gan.sample(3).shape == (3, 2)
try:
    oh.measure(real=real.bfloat16(), other=other)
except oh.Refusal as refusal:
    assert "an array that NumPy can read; got Tensor" in str(refusal), refusal
else:
    raise AssertionError("bfloat16 was taken")
print("done")
"""


@pytest.mark.slow
def test_pytorch_itself(tmp_path):
    install = ["pip", "install", "-q", "--target", str(tmp_path), "torch==2.13.0"]
    subprocess.run([sys.executable, "-m", *install], check=True, timeout=900)
    program = f"import sys; sys.path.append({str(tmp_path)!r})\n{SCRIPT}"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600
    )
    assert run.stdout == "done\n", run.stderr
