"""Callbacks: what they are called with, and that they can't change a number."""

import dataclasses
import re
import sys
import types
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

import onehalf as oh
from helpers import equal_trees

# the rows and sizes of test_gan.py, so that no more has to be compiled
X = np.asarray(oh.distributions.Ring().sample(jr.key(0), 600))
TINY = {"rounds": 200, "width": 8, "m": 32, "choices": 8, "random_state": 0}
PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "loggers.md"
ROUND = {"V", "D_x", "D_Gz", "gradient_D", "gradient_G", "seconds"}
EVALUATION = {"jsd_estimate", "jsd_se", "jsd_lower", "log_e"}

pytestmark = pytest.mark.usefixtures("critics_without_nets")


class Logger:
    """As much of W&B, trackio and others as they have in common."""

    def __init__(self):
        self.calls = []

    def log(self, data: dict, step: int | None = None):
        self.calls.append((step, dict(data)))
        data.clear()


@pytest.fixture(scope="module")
def logged():
    """A fit with a function and a logger that try to do harm."""
    seen = []
    logger = Logger()

    def watch(numbers, step):
        seen.append((step, dict(numbers)))
        numbers["V"] = np.nan
        gan.sample(5)

    gan = oh.GAN(**TINY, callbacks=[watch, logger])
    return gan.fit(X), seen, logger.calls


def test_a_callback_gets_the_numbers_of_the_history_and_of_the_test(logged):
    gan, seen, calls = logged
    assert [step for step, _ in seen] == [100, 200, 200]
    first, last, test = (numbers for _, numbers in seen)
    assert set(first) >= ROUND | EVALUATION
    assert [last["V"]] == gan.history_[-1]["V"]
    baseline = gan.history_[0]["null"]["jsd_estimate"]
    assert first["baseline_jsd_estimate"] == baseline
    assert test == {
        "test_jsd_estimate": gan.certificate_.jsd_estimate,
        "test_jsd_lower": gan.certificate_.jsd_lower,
    }
    assert calls == seen


def test_what_the_history_says_in_words_is_no_number(logged):
    fit = logged[0].fit_
    row = {**fit.history[0], "collapse": ["all samples are alike"], "lowered": "V is NaN"}
    fit = dataclasses.replace(fit, history=(row,), stopped_because="interrupted")
    assert set(fit.latest_numbers) >= ROUND | EVALUATION
    assert not set(fit.latest_numbers) & {"collapse", "lowered"}


def test_callbacks_can_not_change_what_is_trained(logged):
    plain = oh.GAN(**TINY).fit(X)
    assert equal_trees(logged[0].fit_.state, plain.fit_.state)
    timed = {"seconds", "seconds_evaluation"}
    for row, other in zip(logged[0].history_, plain.history_, strict=True):
        assert {k: row[k] for k in row if k not in timed} == {
            k: other[k] for k in other if k not in timed
        }
    assert logged[0].sample(20).tobytes() == plain.sample(20).tobytes()


def test_a_callback_that_raises_ends_the_fit_which_can_go_on(logged):
    def end(numbers, step):
        raise TimeoutError("long enough")

    gan = oh.GAN(**TINY, callbacks=[end])
    with pytest.raises(TimeoutError, match="long enough"):
        gan.fit(X)
    assert gan.fit_.rounds == 100
    gan.set_params(warm_start=True, callbacks=None).fit(X)
    assert equal_trees(logged[0].fit_.state, gan.fit_.state)


def test_train_calls_with_means_and_plays_the_same_rounds():
    game = oh.Game(oh.distributions.Ring(), oh.distributions.Normal(shape=(2,)), m=16)
    D = oh.nets.MLP(jr.key(1), (2,), (), width=4)
    G = oh.nets.MLP(jr.key(2), (2,), (2,), width=4)
    start = oh.init(game, D, G)
    logger = Logger()
    watched = oh.train(jr.key(0), game, start, 5, watch=logger, every=2)
    assert equal_trees(watched, oh.train(jr.key(0), game, start, 5, every=2))
    assert [step for step, _ in logger.calls] == [2, 4, 5]
    infos = [info for _, info in oh.iterate(jr.key(0), game, start, 5, every=2)]
    means = {name: float(np.mean(each)) for name, each in vars(infos[1]).items()}
    assert logger.calls[1][1] == means


@pytest.mark.parametrize(
    ("callbacks", "got"),
    [
        ("wandb", "got str"),
        ([lambda numbers, step: None, "wandb"], "got str in it"),
        ([lambda numbers: None], "got function in it"),
        ([Logger], "got type in it"),
    ],
)
def test_what_can_not_be_called_is_refused_before_the_data_are_read(callbacks, got):
    with pytest.raises(oh.Refusal, match=got):
        oh.GAN(callbacks=callbacks).fit("no such file.csv")


def read_examples():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    return [block for block in blocks if not block.startswith(">>>")]


class Session:
    """What `wandb.init` and `mlflow.start_run` return."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


@pytest.fixture
def stand_ins(monkeypatch):
    """Modules of the same signatures, as far as the page uses them; those of the real ones are in their docs."""
    logger = Logger()
    modules = {
        "wandb": {"init": lambda project: Session(), "log": logger.log},
        "trackio": {
            "init": lambda project: Session(),
            "log": lambda metrics, step=None: logger.log(metrics, step),
            "finish": lambda: None,
        },
        "mlflow": {
            "start_run": Session,
            "log_metrics": lambda metrics, step=None: logger.log(metrics, step),
        },
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return logger


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_the_examples_of_the_page_run(number, stand_ins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = read_examples()[number].replace("GAN(", "GAN(rounds=100, evaluate=False, ")
    lines = [
        line for line in code.splitlines() if line and not line.startswith(("import", "from"))
    ]
    assert len(lines) <= 5
    exec(code, {"X": X})
    if number < 3:
        ((step, numbers),) = stand_ins.calls
        assert (step, set(numbers) >= {"V", "D_x"}) == (100, True)
    else:
        (events,) = (tmp_path / "runs" / "people").iterdir()
        assert b"gradient_D" in events.read_bytes()
