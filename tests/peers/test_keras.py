"""Keras' own schedules beside ours, and ours inside Keras.

Keras computes in ``floatx``. With PyTorch as its backend that can be 64 bits, and values are compared to 1e-9 of the base rate.
With JAX and NumPy its schedules stay in 32 bits, and are compared to what those allow, 1e-6 of the base rate or of a value
above it, in a process of their own.
"""

import copy
import inspect
import json
import math
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

keras = pytest.importorskip("keras")
import torch  # noqa: E402

import lucid.adapters  # noqa: E402
from lucid.compat import keras as ours  # noqa: E402
from lucid.optim.lr_scheduler import ReduceLROnPlateau  # noqa: E402
from lucid.schedules import Absolute, Constant, Cosine, Exponential, Lambda, Linear, Schedule, Step  # noqa: E402

theirs = keras.optimizers.schedules
pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="the other backends have processes of their own"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),  # Keras' own
]

CASES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 1.1, "staircase": True}),
    ("ExponentialDecay", {"initial_learning_rate": 2.0, "decay_steps": 1, "decay_rate": 0.96, "name": "mine"}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.0}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.0, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [10, 20], "values": [1.0, 0.5, 0.1]}),
    ("PiecewiseConstantDecay", {"boundaries": [0, 1, 33], "values": [0.1, 0.7, 0.5, 0.0]}),
    ("PiecewiseConstantDecay", {"boundaries": [30], "values": [0.1, 0.2]}),
    ("PiecewiseConstantDecay", {"boundaries": [2.5, 3.5, 20.0], "values": [0.4, 0.3, 0.2, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "end_learning_rate": 0.01, "power": 0.5}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "end_learning_rate": 0.3, "power": 2.0}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "power": 1.0, "cycle": True}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "power": 3.0, "cycle": True, "end_learning_rate": 0.0},
    ),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "power": 0.0}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 4.0, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.0}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 1.0, "decay_rate": 0.3}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.1, "warmup_steps": 20}),
    ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 50, "warmup_target": 0.1, "warmup_steps": 20}),
    ("CosineDecay", {"initial_learning_rate": 0.02, "decay_steps": 31, "alpha": 0.2, "warmup_target": 0.1, "warmup_steps": 9}),
    ("CosineDecay", {"initial_learning_rate": 0.2, "decay_steps": 31, "alpha": 1.5, "warmup_target": 0.1, "warmup_steps": 9}),
    ("CosineDecay", {"initial_learning_rate": 0.2, "decay_steps": 31, "warmup_target": 0.1, "warmup_steps": 0}),
    ("CosineDecay", {"initial_learning_rate": 0.2, "decay_steps": 31, "warmup_target": 0.0, "warmup_steps": 5}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.0}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.25}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.5, "m_mul": 0.9, "alpha": 0.1}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 3.0, "m_mul": 0.3, "alpha": 1.0}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "m_mul": 1.1}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.5, "m_mul": 2.0, "alpha": 0.1}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.0, "m_mul": 1.02, "alpha": 0.25},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "m_mul": 0.0, "alpha": 0.25}),
]
IDS = [f"{name}-{'-'.join(map(str, params.values()))}" for name, params in CASES]
STEPS = range(140)


@pytest.fixture
def float64() -> Iterator[None]:
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def base_of(params: dict[str, Any]) -> float:
    return max(params.get("values", [params.get("initial_learning_rate"), params.get("warmup_target") or 0.0]))


# -- the namesakes


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("name", "params"), CASES, ids=IDS)
def test_every_step_as_keras(name: str, params: dict[str, Any]) -> None:
    peer, mine = getattr(theirs, name)(**params), getattr(ours, name)(**params)
    assert peer(0).dtype == torch.float64
    assert mine.at(STEPS) == pytest.approx([float(peer(t)) for t in STEPS], abs=1e-9 * base_of(params), rel=0)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("name", "params"), CASES, ids=IDS)
def test_inside_keras_every_step_as_keras(name: str, params: dict[str, Any]) -> None:
    peer, mine = getattr(theirs, name)(**params), lucid.adapters.keras(getattr(ours, name)(**params))
    ints = [keras.ops.convert_to_tensor(t, "int64") for t in STEPS]
    assert [float(mine(t)) for t in ints] == pytest.approx([float(peer(t)) for t in ints], abs=1e-9 * base_of(params), rel=0)


def test_every_schedule_of_keras_has_its_namesake() -> None:
    classes = {
        name
        for name, made in vars(theirs).items()
        if isinstance(made, type) and issubclass(made, theirs.LearningRateSchedule) and made is not theirs.LearningRateSchedule
    }
    assert len(classes) >= 6
    assert classes == set(ours.__all__) == {name for name, _ in CASES}


@pytest.mark.parametrize("name", ours.__all__)
def test_signatures_are_keras(name: str) -> None:
    def parameters(made: Any) -> list[tuple[str, Any]]:
        return [(key, one.default) for key, one in inspect.signature(made).parameters.items()]

    assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name))


def test_every_case_is_a_configuration() -> None:
    for name, params in CASES:
        schedule = getattr(ours, name)(**params)
        assert Schedule.from_json(schedule.to_json()) == schedule


def test_documented_differences_occur() -> None:
    stuck = theirs.CosineDecay(0, 10, warmup_target=0.1, warmup_steps=4)  # an integer, and so is the target then
    assert [float(stuck(t)) for t in range(6)] == [0.0] * 6
    assert ours.CosineDecay(0, 10, warmup_target=0.1, warmup_steps=4)(4) == 0.1
    late = theirs.CosineDecayRestarts(1.0, 10, t_mul=7.0, alpha=0.25)  # a logarithm that rounds down, at a restart
    assert float(late(570)) == pytest.approx(0.25)
    assert ours.CosineDecayRestarts(1.0, 10, t_mul=7.0, alpha=0.25)(570) == 1.0
    below = theirs.PolynomialDecay(0.1, 10, end_learning_rate=-0.1)
    assert float(below(10)) < 0
    with pytest.raises(ValueError, match=r"PolynomialDecay: end_learning_rate must be >= 0, got -0.1"):
        ours.PolynomialDecay(0.1, 10, end_learning_rate=-0.1)
    over = theirs.CosineDecayRestarts(1.0, 10, t_mul=0.5)
    assert math.isfinite(float(over(19)))
    assert math.isnan(float(over(20)))
    with pytest.raises(ValueError, match=r"CosineDecayRestarts: t_mul must be >= 1, got 0\.5"):
        ours.CosineDecayRestarts(1.0, 10, t_mul=0.5)
    for made, params, message in (
        ("CosineDecayRestarts", {"alpha": 1.5}, r"alpha must be in \[0, 1\], got 1\.5"),
        ("CosineDecayRestarts", {"t_mul": 1.01, "m_mul": 1.5}, "t_mul must be 1, or so large that for m_mul > 1"),
    ):
        given = {"initial_learning_rate": 1.0, "first_decay_steps": 10, **params}
        assert float(getattr(theirs, made)(**given)(5)) > 0
        with pytest.raises(ValueError, match=message):
            getattr(ours, made)(**given)
    assert float(theirs.PiecewiseConstantDecay([5, 3], [1.0, 0.5, 0.2])(9)) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="boundaries must rise by a step at least"):
        ours.PiecewiseConstantDecay([5, 3], [1.0, 0.5, 0.2])
    soon = keras.ops.convert_to_tensor(0.5)
    assert float(theirs.ExponentialDecay(1.0, 10, 0.0)(soon)) == 0.0
    assert ours.ExponentialDecay(1.0, 10, 0.0)(0.5) == 1.0
    between = keras.ops.convert_to_tensor(2.5)
    assert float(theirs.PiecewiseConstantDecay([2.0], [1.0, 0.5])(between)) == 0.5
    assert ours.PiecewiseConstantDecay([2.0], [1.0, 0.5])(2.5) == 1.0


# -- the plateau


class Optimizer:
    """What Keras' callback needs of one."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate


class Model:
    def __init__(self, learning_rate: float) -> None:
        self.optimizer = Optimizer(learning_rate)


def metrics_of(seed: int) -> list[float]:
    numbers = np.random.default_rng(seed)
    return [float(value) for value in np.round(1.0 + numbers.normal(0, 0.3, 120) - np.linspace(0, 1.0, 120), 3)]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("min_lr", [0.0, 1e-2])
@pytest.mark.parametrize("cooldown", [0, 1, 2, 5])
@pytest.mark.parametrize("patience", [0, 1, 2, 4])
def test_keras_plateau_is_an_option_of_ours(patience: int, cooldown: int, min_lr: float, mode: str) -> None:
    for seed in range(3):
        options = {"factor": 0.7, "patience": patience, "cooldown": cooldown, "min_lr": min_lr, "min_delta": 0.05, "mode": mode}
        peer = keras.callbacks.ReduceLROnPlateau(monitor="loss", **options)
        peer.set_model(Model(0.1))
        peer.on_train_begin()
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        mine = ReduceLROnPlateau(
            optimizer,
            mode=mode,
            factor=0.7,
            patience=max(patience - 1, 0),
            threshold=0.05,
            threshold_mode="abs",
            cooldown=max(cooldown - 1, 0),
            min_lr=min_lr,
            eps=0.0,
            on_nan="bad",
        )
        rates = []
        metrics = metrics_of(seed)
        metrics[20:24] = [float("nan")] * 4
        for epoch, metric in enumerate(metrics):
            optimizer.step()
            mine.step(metric)
            peer.on_epoch_end(epoch, {"loss": metric})
            rates.append(float(peer.model.optimizer.learning_rate))
            assert optimizer.param_groups[0]["lr"] == pytest.approx(rates[-1], rel=1e-9), (seed, epoch)
        assert len(set(rates)) > 3  # it did cut


# -- inside Keras


def data() -> tuple[Any, Any]:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(64, 3)).astype("float32")
    return x, (x @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")


def built(rate: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    return model


def fit(model: Any, epochs: int) -> None:
    x, y = data()
    model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)


def weights(model: Any) -> list[Any]:
    return [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in model.weights]


def test_training_is_that_of_keras_own_schedule() -> None:
    mine = built(lucid.adapters.keras(ours.CosineDecay(0.0, 30, alpha=0.1, warmup_target=0.05, warmup_steps=10)))
    peer = built(theirs.CosineDecay(0.0, 30, alpha=0.1, warmup_target=0.05, warmup_steps=10))
    still = built(theirs.CosineDecay(0.05, 30))
    for model in (mine, peer, still):
        fit(model, 6)
    assert int(mine.optimizer.iterations) == 48
    for one, other in zip(weights(mine), weights(peer), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert max(np.abs(one - other).max() for one, other in zip(weights(mine), weights(still), strict=True)) > 1e-3


def test_a_model_is_saved_loaded_and_goes_on_exactly(tmp_path: Path) -> None:
    schedule = (Linear(10) >> Cosine(60, end=1e-4)) * Step(7, 0.9)
    straight, stopped = (built(lucid.adapters.keras(schedule, base=0.05)) for _ in range(2))
    fit(straight, 6)
    fit(stopped, 3)
    path = tmp_path / "model.keras"
    stopped.save(path)
    loaded = keras.models.load_model(path)
    rate = loaded.optimizer._learning_rate
    assert rate.schedule == schedule
    assert rate.base == 0.05
    assert int(loaded.optimizer.iterations) == 24
    assert float(loaded.optimizer.learning_rate) == pytest.approx(schedule(24, 0.05), rel=1e-7)
    fit(loaded, 3)
    for one, other in zip(weights(straight), weights(loaded), strict=True):
        np.testing.assert_array_equal(one, other)
    with zipfile.ZipFile(path) as archive:
        saved = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]["config"]["learning_rate"]
    assert saved["registered_name"] == "lucid>KerasSchedule"
    assert saved["config"] == {"schedule": schedule.to_dict(), "base": 0.05}


def test_a_file_is_loaded_by_a_program_that_only_asks_for_the_adapter(tmp_path: Path) -> None:
    model = built(lucid.adapters.keras(Cosine(40), base=0.5))
    fit(model, 1)
    model.save(tmp_path / "model.keras")
    code = f"""
from lucid.adapters import keras as _
import keras
model = keras.models.load_model({str(tmp_path / "model.keras")!r})
print(repr(float(model.optimizer.learning_rate)))
"""
    assert float(run(code, "torch")) == pytest.approx(Cosine(40)(8, 0.5), rel=1e-7)


def run(code: str, backend: str) -> str:
    """What a fresh interpreter prints, with Keras on ``backend``."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


ELSEWHERE = """
import json, sys
sys.path.insert(0, {here!r})
import keras
import numpy as np
import lucid.adapters
import test_keras as tests
from lucid.schedules import Cosine, Linear, Step
assert keras.backend.backend() == {backend!r}
def curve(rate):
    steps = np.arange(len(tests.STEPS), dtype="int32")
    if {backend!r} == "jax":
        import jax
        values = jax.vmap(rate)(steps)
    else:
        values = np.stack([rate(keras.ops.convert_to_tensor(t, "int32")) for t in steps])
    assert keras.backend.standardize_dtype(values.dtype) == "float32"
    return np.asarray(values, "float64")
worst = 0.0
for name, params in tests.CASES:
    expected = curve(getattr(tests.theirs, name)(**params))
    schedule = getattr(tests.ours, name)(**params)
    values = curve(lucid.adapters.keras(schedule))
    scale = np.maximum(tests.base_of(params), expected)
    exact = np.array(schedule.at(tests.STEPS))
    assert (np.abs(values - exact) < 1e-6 * scale).all()
    if {backend!r} == "jax":  # compiled, as in training, where Keras' 1 - p is not 0 at the end
        import jax
        compiled = np.asarray(jax.jit(jax.vmap(lucid.adapters.keras(schedule)))(np.arange(len(tests.STEPS))))
        assert (np.abs(compiled - exact) < 1e-6 * scale).all()
    gaps = np.abs(values - expected) / scale
    at = np.arange(len(tests.STEPS))  # at the edges of cycles and stairs Keras' own quotients and logarithms may round across
    if params.get("cycle") or params.get("staircase"):
        gaps[at % params["decay_steps"] == 0] = 0.0
    if name == "CosineDecayRestarts":
        gaps[1:][np.diff(exact) > 0] = 0.0
    worst = max(worst, gaps.max())
    assert worst < 1e-6, (name, params, gaps.argmax(), values[gaps.argmax()], expected[gaps.argmax()])
once = lucid.adapters.keras(Cosine(40), base=0.5)(keras.ops.convert_to_tensor(8, "int32"))
assert keras.backend.standardize_dtype(once.dtype) == "float32" and abs(float(once) - Cosine(40)(8, 0.5)) < 1e-7
"""
TRAINED = """
import os, tempfile
own = tests.built(tests.theirs.CosineDecay(0.0, 30, alpha=0.1, warmup_target=0.05, warmup_steps=10))
mine = tests.built(lucid.adapters.keras(tests.ours.CosineDecay(0.0, 30, alpha=0.1, warmup_target=0.05, warmup_steps=10)))
for model in (own, mine):
    tests.fit(model, 6)
for one, other in zip(tests.weights(own), tests.weights(mine), strict=True):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
schedule = (Linear(10) >> Cosine(60, end=1e-4)) * Step(7, 0.9)
straight, stopped = (tests.built(lucid.adapters.keras(schedule, base=0.05)) for _ in range(2))
tests.fit(straight, 6)
tests.fit(stopped, 3)
path = os.path.join(tempfile.mkdtemp(), "model.keras")
stopped.save(path)
loaded = keras.models.load_model(path)
assert int(loaded.optimizer.iterations) == 24
np.testing.assert_allclose(float(loaded.optimizer.learning_rate), schedule(24, 0.05), rtol=1e-6)
tests.fit(loaded, 3)
for one, other in zip(tests.weights(straight), tests.weights(loaded), strict=True):
    np.testing.assert_array_equal(one, other)
"""


@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_on_the_other_backends(backend: str) -> None:
    pytest.importorskip(backend)
    code = ELSEWHERE.format(here=str(Path(__file__).parent), backend=backend)
    if backend == "jax":  # Keras on NumPy does not train
        code += TRAINED
    assert float(run(code + "print(worst)", backend)) < 1e-6


def test_jax_counts_exactly_to_2_to_the_24_and_with_64_bits_beyond() -> None:
    pytest.importorskip("jax")
    code = """
import jax
import keras
import lucid.adapters
from lucid.schedules import Absolute, Step
stairs = lucid.adapters.keras(Step(1, 0.5).shift(2**24 - 3))
late = [keras.ops.convert_to_tensor(2**24 + i, "int32") for i in (-1, 0, 1, 2)]
print([float(stairs(t)) for t in late])
"""
    assert json.loads(run(code, "jax")) == [0.25, 0.125, 0.125, 0.03125]  # 2**24 + 1 is 2**24
    wide = code.replace("import keras\n", "import keras\njax.config.update('jax_enable_x64', True)\n", 1)
    assert json.loads(run(wide, "jax")) == [0.25, 0.125, 0.0625, 0.03125]
    assert json.loads(run(code, "torch")) == [0.25, 0.125, 0.0625, 0.03125]


def test_the_example_of_the_documentation() -> None:
    rate = lucid.adapters.keras(Linear(100) >> Cosine(900), base=1e-3)
    assert isinstance(rate, theirs.LearningRateSchedule)
    assert [float(rate(t)) for t in (50, 550)] == pytest.approx([0.0005, 0.0005], rel=1e-7)
    assert repr(rate) == f"lucid.adapters.keras({Linear(100) >> Cosine(900)!r}, base=0.001)"


def test_one_rounding_to_floatx_and_never_less_than_32_bits() -> None:
    rate = lucid.adapters.keras(Exponential(0.999), base=1e-7)
    assert rate(3000).dtype == torch.float32
    assert float(rate(3000)) == float(np.float32(Exponential(0.999)(3000, 1e-7)))
    before = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        assert rate(2049).dtype == torch.float32
        assert float(rate(2049)) == float(np.float32(Exponential(0.999)(2049, 1e-7)))
    finally:
        keras.config.set_floatx(before)


def test_a_device_without_64_bits_is_asked_for_32(monkeypatch: pytest.MonkeyPatch) -> None:
    from lucid.adapters import _keras

    apple = SimpleNamespace(device=SimpleNamespace(type="mps"))
    assert not _keras._has_64_bits("torch", apple)
    assert _keras._has_64_bits("torch", torch.tensor(1))
    assert _keras._has_64_bits("numpy", np.int32(1))
    asked = []
    monkeypatch.setattr(_keras, "_has_64_bits", lambda backend, step: asked.append(type(step)))
    iterations = keras.Variable(3, dtype="int32", trainable=False)
    assert lucid.adapters.keras(Exponential(0.999), base=1e-7)(iterations).dtype == torch.float32
    assert [issubclass(kind, torch.Tensor) for kind in asked] == [True]  # which has a device, as Keras' variable has not


def test_constants_are_tensors_too_and_many_steps_at_once() -> None:
    assert isinstance(lucid.adapters.keras(Absolute(0.1))(3), torch.Tensor)
    assert isinstance(lucid.adapters.keras(Constant())(3), torch.Tensor)
    many = lucid.adapters.keras(Linear(4), base=2.0)(np.arange(6))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(many), [0.0, 0.5, 1.0, 1.5, 2.0, 2.0])


def test_serialised_by_keras_copied_and_pickled() -> None:
    rate = lucid.adapters.keras(Linear(10) >> Cosine(90), base=0.5)
    for other in (
        theirs.deserialize(json.loads(json.dumps(theirs.serialize(rate)))),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate)),
        type(rate).from_config(rate.get_config()),
        copy.deepcopy(rate),
        pickle.loads(pickle.dumps(rate)),
    ):
        assert type(other) is type(rate)
        assert (other.schedule, other.base) == (rate.schedule, rate.base)


def deep(levels: int) -> dict[str, Any]:
    config: dict[str, Any] = {"schedule": "Constant"}
    for _ in range(levels):
        config = {"schedule": "Scale", "of": config, "factor": 1.0}
    return config


HOSTILE: list[tuple[Any, str]] = [
    ({"schedule": {"schedule": "Cosin", "steps": 9}, "base": 1.0}, "unknown schedule 'Cosin'; did you mean 'Cosine'?"),
    ({"schedule": {"schedule": "Cosine", "steps": -9}, "base": 1.0}, "Cosine: steps must be > 0, got -9"),
    ({"schedule": {"schedule": "Cosine", "steps": float("nan")}, "base": 1.0}, "Cosine: steps must be finite, got nan"),
    ({"schedule": {"schedule": "Lambda", "fn": "os.system"}, "base": 1.0}, "Lambda: fn must be callable, got 'os.system'"),
    ({"schedule": deep(70), "base": 1.0}, "nested deeper than 64"),
    ({"schedule": "Cosine", "base": 1.0}, "a schedule configuration must be a mapping, got 'Cosine'"),
    ({"schedule": {"schedule": "Constant"}, "base": "1"}, "keras: base must be a number, got '1'"),
    ({"schedule": {"schedule": "Constant"}, "base": -1.0}, "keras: base must be >= 0, got -1.0"),
    ({"schedule": {"schedule": "Constant"}, "base": float("inf")}, "keras: base must be finite, got inf"),
    ({"schedule": {"schedule": "Constant"}}, "keras: the configuration must have 'schedule' and 'base'"),
    (
        {"schedule": {"schedule": "Constant"}, "base": 1.0, "hook": 1},
        "keras: the configuration must have 'schedule' and 'base'",
    ),
    ([], "keras: the configuration must have 'schedule' and 'base'"),
]


@pytest.mark.parametrize(("config", "message"), HOSTILE, ids=[message for _, message in HOSTILE])
def test_hostile_configurations_are_refused(config: Any, message: str) -> None:
    rate = lucid.adapters.keras(Constant())
    with pytest.raises(ValueError) as refused:
        type(rate).from_config(config)
    assert message in str(refused.value)
    if isinstance(config, dict):
        with pytest.raises((TypeError, ValueError)) as refused:  # through Keras, which may wrap it
            theirs.deserialize({**theirs.serialize(rate), "config": config})
        assert message.partition(":")[0] in str(refused.value)


def test_a_hostile_file_is_refused(tmp_path: Path) -> None:
    model = built(lucid.adapters.keras(Cosine(40), base=0.5))
    good, bad = tmp_path / "good.keras", tmp_path / "bad.keras"
    model.save(good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                assert b'"steps": 40' in content
                content = content.replace(b'"steps": 40', b'"steps": -40')
            target.writestr(name, content)
    with pytest.raises((TypeError, ValueError), match="Cosine: steps must be > 0, got -40"):
        keras.models.load_model(bad)


def test_what_is_no_schedule_and_no_base() -> None:
    with pytest.raises(TypeError, match=r"keras: schedule must be a Schedule, got <function .*; a function goes in as Lambda"):
        lucid.adapters.keras(lambda t: 0.1)
    with pytest.raises(TypeError, match="keras: base must be a number, got None"):
        lucid.adapters.keras(Constant(), base=None)
    with pytest.raises(ValueError, match=r"keras: base must be >= 0, got -0.1"):
        lucid.adapters.keras(Constant(), base=-0.1)


def test_a_function_trains_and_cannot_be_saved(tmp_path: Path) -> None:
    model = built(lucid.adapters.keras(Lambda(lambda t: 0.9**t), base=0.01))
    fit(model, 1)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01 * 0.9**8, rel=1e-6)
    with pytest.raises(ValueError, match=r"Lambda: fn is .*, which JSON cannot hold; write the rule as a Schedule of its own"):
        model.optimizer.get_config()


def test_another_backend_is_refused() -> None:
    from lucid.adapters import _keras

    made = _keras._adapter()
    cell = dict(zip(made.__init__.__code__.co_freevars, made.__init__.__closure__, strict=True))["backend"]
    before = cell.cell_contents
    cell.cell_contents = "tensorflow"
    try:
        with pytest.raises(
            NotImplementedError, match=r"keras: the backend must be one of .*, got 'tensorflow'; set KERAS_BACKEND"
        ):
            lucid.adapters.keras(Constant())
    finally:
        cell.cell_contents = before
