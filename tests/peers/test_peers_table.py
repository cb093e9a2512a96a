"""docs/peers.md beside the libraries themselves: every row's expression against the real thing, at every step.

Rows and parameters are those of ``tests/test_peers_table.py``. A library that is not installed is skipped. Packages that import
more than their schedulers need are loaded by the file, so that they may be installed without what they depend on:
``pip install --no-deps mosaicml megatron-core paddlepaddle``.
"""

import ast
import enum
import functools
import importlib
import importlib.util
import math
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # the one with which Keras' schedules can be in double precision

import numpy as np
import pytest
import torch
from test_peers_table import BASES, CASES, CLOSE, EACH, IDS, MORE, ROWS, last_step, values

FORMULA_ALONE = {"icefall.Eden", "torchtitan.linear_warmup", "PowerScheduler", "T5.rsqrt", "NoamScheduler"}
"""Of the others, those that no package has: the one of icefall is no package, and some are formulas of papers."""

SINGLE = {"MLX": 1e-6}
"""MLX has no double precision."""

# -- loading


def where(package: str) -> Path:
    found = importlib.util.find_spec(package)  # looks, and imports nothing
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    return Path(found.submodule_search_locations[0])


@contextmanager
def instead(**modules: Any) -> Iterator[None]:
    """Modules that stand in for others while something is imported; dots are written as two underscores."""
    given = {name.replace("__", "."): module for name, module in modules.items()}
    tops = {name.partition(".")[0] for name in given}
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in tops}
    for name in before:
        del sys.modules[name]
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(before)


def module(name: str, path: Path | None = None, **content: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    if path is not None:
        made.__path__ = [str(path)]
    vars(made).update(content)
    return made


def same(one: Any) -> Any:
    return one


def load_mmengine() -> Any:
    root = where("mmengine")
    registry = SimpleNamespace(register_module=lambda: same)
    with instead(
        mmengine=module("mmengine", root),
        mmengine__logging=module("mmengine.logging", print_log=print),
        mmengine__registry=module("mmengine.registry", PARAM_SCHEDULERS=registry),
        mmengine__optim=module("mmengine.optim", root / "optim", BaseOptimWrapper=torch.optim.Optimizer),
        mmengine__optim__scheduler=module("mmengine.optim.scheduler", root / "optim" / "scheduler"),
    ):
        return importlib.import_module("mmengine.optim.scheduler.lr_scheduler")


class FastaiList(list):  # type: ignore[type-arg]
    def __init__(self, items: Any = None) -> None:
        super().__init__([] if items is None else items if isinstance(items, (list, tuple)) else [items])

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else [other, *self]


def store_attr(names: str) -> None:
    given = sys._getframe(1).f_locals
    for name in names.split(","):
        setattr(given["self"], name, given[name])


def load_fastai() -> Any:
    """Its module of schedules, with the few things of fastai.basics that it needs; in double precision, other than there."""
    root = where("fastai")
    empty = type("Empty", (), {"fit_one_cycle": None})
    basics = {
        "Callback": object,
        "L": FastaiList,
        "Learner": empty,
        "Path": Path,
        "Recorder": empty,
        "SuggestionMethod": SimpleNamespace(Valley=None),
        "collections": None,
        "delegates": lambda of: same,
        "docs": same,
        "functools": functools,
        "is_listy": lambda x: isinstance(x, (list, tuple)),
        "math": math,
        "mk_class": lambda *names, **more: None,
        "np": np,
        "patch": same,
        "store_attr": store_attr,
        "tempfile": None,
        "tensor": functools.partial(torch.tensor, dtype=torch.float64),
        "torch": torch,
    }
    with instead(
        fastai=module("fastai", root),
        fastai__basics=module("fastai.basics", **basics),
        fastai__callback=module("fastai.callback", root / "callback"),
        fastai__callback__tracker=module("fastai.callback.tracker", SaveModelCallback=object),
    ):
        return importlib.import_module("fastai.callback.schedule")


def load_deepspeed() -> Any:
    root = where("deepspeed")
    logger = SimpleNamespace(warning=lambda text: None)
    with instead(
        deepspeed=module("deepspeed", root),
        deepspeed__utils=module("deepspeed.utils", logger=logger),
        deepspeed__runtime=module("deepspeed.runtime", root / "runtime"),
    ):
        return importlib.import_module("deepspeed.runtime.lr_schedules")


def load_timm() -> Any:
    with instead(timm=module("timm", where("timm"))):
        return importlib.import_module("timm.scheduler")


def load_paddle() -> Any:
    root = where("paddle")
    nothing = dict.fromkeys(("check_type", "Variable", "default_main_program", "in_dygraph_mode", "LayerHelper", "core"))
    with instead(
        paddle=module("paddle", root, Tensor=torch.Tensor),
        paddle__base=module("paddle.base", **nothing),
        paddle__base__data_feeder=module("paddle.base.data_feeder", **nothing),
        paddle__base__framework=module("paddle.base.framework", **nothing),
        paddle__base__layer_helper=module("paddle.base.layer_helper", **nothing),
        paddle__optimizer=module("paddle.optimizer", root / "optimizer"),
    ):
        return importlib.import_module("paddle.optimizer.lr")


def load_megatron() -> Any:
    core = where("megatron") / "core"
    with instead(
        megatron=module("megatron", core.parent),
        megatron__core=module("megatron.core", core),
        megatron__core__utils=module("megatron.core.utils", log_single_rank=lambda *of, **more: None),
    ):
        return importlib.import_module("megatron.core.optimizer_param_scheduler")


class Time(float):
    """A time of composer's in a unit that is the only one."""

    unit = None

    def __new__(cls, value: float, unit: Any = None) -> "Time":
        return super().__new__(cls, value)

    def __class_getitem__(cls, kind: Any) -> type["Time"]:
        return cls

    @property
    def value(self) -> Any:
        return int(self) if self == int(self) else float(self)

    def get(self, unit: Any) -> "Time":
        return self

    def __add__(self, other: float) -> "Time":
        return Time(float(self) + other)

    def __sub__(self, other: float) -> "Time":
        return Time(float(self) - other)

    def __truediv__(self, other: float) -> "Time":
        return Time(float(self) / other)


def load_composer() -> Any:
    root = where("composer")
    with instead(
        composer=module("composer", root),
        composer__core=module("composer.core", State=None, Time=Time, TimeUnit=None),
        composer__optim=module("composer.optim", root / "optim"),
    ):
        made = importlib.import_module("composer.optim.scheduler")
    made._convert_time = lambda time, state, ssr=1.0: Time(time)  # type: ignore[attr-defined]
    for name in vars(made):
        if name.startswith("_raise_if"):  # they look at units
            setattr(made, name, lambda *of, **more: None)
    return made


def load_fairseq() -> Any:
    root, names = where("fairseq"), {}

    def register(name: str, **more: Any) -> Callable[[Any], Any]:
        return lambda made: names.setdefault(name, made)

    schedulers = module("fairseq.optim.lr_scheduler", root / "optim" / "lr_scheduler", register_lr_scheduler=register)
    with instead(
        omegaconf=module("omegaconf", II=lambda name: None),
        fairseq=module("fairseq", root),
        fairseq__dataclass=module("fairseq.dataclass", root / "dataclass", FairseqDataclass=object),
        fairseq__dataclass__utils=module("fairseq.dataclass.utils", gen_parser_from_dataclass=None),
        fairseq__optim=module("fairseq.optim", root / "optim", FairseqOptimizer=Keeper),
        fairseq__optim__lr_scheduler=schedulers,
    ):
        base = importlib.import_module("fairseq.optim.lr_scheduler.fairseq_lr_scheduler")
        vars(schedulers).update(
            FairseqLRScheduler=base.FairseqLRScheduler, LegacyFairseqLRScheduler=base.LegacyFairseqLRScheduler
        )
        for path in sorted((root / "optim" / "lr_scheduler").glob("*_schedule*.py")):
            importlib.import_module(f"fairseq.optim.lr_scheduler.{path.stem}")
    return names


class OLMo:
    """Stands in for both bases of OLMo-core's schedulers."""

    @classmethod
    def register(cls, name: str) -> Callable[[Any], Any]:
        return same


class Empty:
    """Stands in for their second base."""


def load_olmo() -> Any:
    root = where("olmo_core")
    with instead(
        olmo_core=module("olmo_core", root),
        olmo_core__config=module("olmo_core.config", Config=OLMo, Registrable=Empty, StrEnum=enum.StrEnum),
        olmo_core__distributed=module("olmo_core.distributed", root / "distributed"),
        olmo_core__distributed__utils=module("olmo_core.distributed.utils", get_rank=lambda: 0),
        olmo_core__exceptions=module("olmo_core.exceptions", OLMoConfigurationError=ValueError),
        olmo_core__optim=module("olmo_core.optim", root / "optim"),
        olmo_core__optim__config=module("olmo_core.optim.config", INITIAL_LR_FIELD="initial_lr", LR_FIELD="lr"),
    ):
        return importlib.import_module("olmo_core.optim.scheduler")


def load_nemo() -> Any:
    root = where("nemo") / "core"
    names = {"SchedulerParams": object, "get_scheduler_config": None, "register_scheduler_params": None}
    with instead(
        omegaconf=module("omegaconf", DictConfig=dict, OmegaConf=None),
        nemo=module("nemo", root.parent),
        nemo__core=module("nemo.core", root),
        nemo__core__classes=module("nemo.core.classes", root / "classes"),
        nemo__core__classes__common=module("nemo.core.classes.common", safe_instantiate=None),
        nemo__core__config=module("nemo.core.config", root / "config"),
        nemo__core__config__schedulers=module("nemo.core.config.schedulers", **names),
        nemo__core__optim=module("nemo.core.optim", root / "optim"),
        nemo__utils=module("nemo.utils", root.parent / "utils", logging=None),
        nemo__utils__model_utils=module("nemo.utils.model_utils", maybe_update_config_version=None),
    ):
        return importlib.import_module("nemo.core.optim.lr_scheduler")


class Keeper:
    """What fairseq's schedulers need of an optimizer."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def set_lr(self, lr: float) -> None:
        self.lr = lr

    def get_lr(self) -> float:
        return self.lr


def load_keras() -> Any:
    where("keras")
    keras = importlib.import_module("keras")
    return keras.optimizers.schedules


def load_jax(name: str) -> Any:
    where(name)
    return importlib.import_module(name)


LOAD: dict[str, Callable[[], Any]] = {
    "torch": lambda: torch.optim.lr_scheduler,
    "optax": lambda: load_jax("optax"),
    "Keras": load_keras,
    "transformers": lambda: where("transformers") and importlib.import_module("transformers.optimization"),
    "timm": load_timm,
    "MLX": lambda: where("mlx") and importlib.import_module("mlx.optimizers"),
    "fvcore": lambda: where("fvcore") and importlib.import_module("fvcore.common.param_scheduler"),
    "ignite": lambda: where("ignite") and importlib.import_module("ignite.handlers"),
    "mmengine": load_mmengine,
    "fastai": load_fastai,
    "DeepSpeed": load_deepspeed,
    "pytorch_optimizer": lambda: where("pytorch_optimizer") and importlib.import_module("pytorch_optimizer.lr_scheduler"),
    "pytorch-scheduler": lambda: where("pytorch_scheduler") and importlib.import_module("pytorch_scheduler"),
    "Megatron-LM": load_megatron,
    "fairseq": load_fairseq,
    "composer": load_composer,
    "Paddle": load_paddle,
    "NeMo": load_nemo,
    "OLMo_core": load_olmo,
    "pytorch_warmup": lambda: where("pytorch_warmup") and importlib.import_module("pytorch_warmup"),
    "lrsched": lambda: where("lrsched") and importlib.import_module("lrsched"),
    "torch-schedule-anything": lambda: where("torch_schedule_anything") and importlib.import_module("torch_schedule_anything"),
}


@functools.cache
def loaded(library: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they have to say when they are imported
        return LOAD[library]()


# -- running


def sgd(base: float) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base, momentum=0.9)


def stepped(optimizer: Any, scheduler: Any, last: int, key: str = "lr") -> list[float]:
    """What stands in the group after construction and after every step."""

    def now() -> float:
        return float(optimizer.param_groups[0]["betas"][0] if key == "betas" else optimizer.param_groups[0][key])

    seen = [now()]
    for _ in range(last):
        optimizer.step()
        scheduler.step()
        seen.append(now())
    return seen


def of_torch(made: Callable[..., Any], base: float, last: int, key: str = "lr", **given: Any) -> list[float]:
    optimizer = sgd(base)
    return stepped(optimizer, made(optimizer, **given), last, key)


def run_torch(
    theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, **given: Any
) -> list[float]:
    if first is not None:
        optimizer = sgd(base)
        children = [theirs.LinearLR(optimizer, 0.25, 1.0, 20), theirs.ExponentialLR(optimizer, 0.9)]
        if name == "ChainedScheduler":
            return stepped(optimizer, theirs.ChainedScheduler(children), last)
        return stepped(optimizer, theirs.SequentialLR(optimizer, children, [given["milestone"]]), last)
    if name == "SWALR":
        return of_torch(torch.optim.swa_utils.SWALR, base, last, **given)
    if "base_momentum" in given:
        levels = {"base_lr": 0.1, "max_lr": 0.5} if name == "CyclicLR" else {"max_lr": 0.5}
        return of_torch(getattr(theirs, name), base, last, "momentum", **levels, **given)
    return of_torch(getattr(theirs, name), base, last, **given)


def run_optax(
    theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, **given: Any
) -> list[float]:
    import jax

    if first is not None:
        given = {"schedules": [first, second], "boundaries": [given["boundary"]]}
    made = getattr(theirs, name)(**given)
    with jax.enable_x64(True):
        return [float(value) for value in jax.vmap(made)(jax.numpy.arange(last + 1.0))]


def run_keras(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    import keras

    if keras.backend.backend() != "torch":
        pytest.skip("Keras' schedules stay in single precision with this backend")
    was = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        made = getattr(theirs, name)(**given)
        return [float(made(t)) for t in range(last + 1)]
    finally:
        keras.config.set_floatx(was)


def run_transformers(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if name == "AdafactorSchedule":  # the scale of the parameters is the base
        group = {"lr": None, "relative_step": True, "scale_parameter": True, "eps": (0.0, base), **given}
        return [theirs.Adafactor._get_lr(group, {"step": t + 1, "RMS": 0.0}) for t in range(last + 1)]
    return of_torch(getattr(theirs, name), base, last, **given)


def run_timm(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    optimizer, seen = sgd(base), []
    scheduler = getattr(theirs, name)(optimizer, **given)
    for t in range(last + 1):
        scheduler.step(t)
        seen.append(float(optimizer.param_groups[0]["lr"]))
    return seen


def run_mlx(theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, **given: Any) -> list[float]:
    import mlx.core as mx

    if first is not None:
        given = {"schedules": [first, second], "boundaries": [given["boundary"]]}
    made = getattr(theirs, name)(**given)
    return [float(made(mx.array(t))) for t in range(last + 1)]


def run_fvcore(
    theirs: Any, name: str, base: float, last: int, steps: int, first: Any = None, second: Any = None, **given: Any
) -> list[float]:
    if first is not None:
        children = [lambda p, child=child: child(p * steps) for child in (first, second)]
        scaling = [given["interval_scaling"]] * 2
        given = {"schedulers": children, "lengths": [given["share"], given["rest"]], "interval_scaling": scaling}
    made = getattr(theirs, name)(**given)
    return [made(t / steps) for t in range(last + 1)]


def run_ignite(
    theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, **given: Any
) -> list[float]:
    optimizer, seen = sgd(base), []
    group, engine = optimizer.param_groups[0], SimpleNamespace(state=SimpleNamespace(rate=None))
    if name.endswith("StateScheduler"):
        made = getattr(theirs.state_param_scheduler, name)(param_name="rate", **given)
    elif first is not None:

        class Of(theirs.param_scheduler.ParamScheduler):  # type: ignore[misc, name-defined]
            child: Any

            def get_param(self) -> float:
                return float(self.child(self.event_index))

        children = [Of(optimizer, "lr"), Of(optimizer, "lr")]
        children[0].child, children[1].child = first, second
        made = theirs.ConcatScheduler(children, [given["duration"]])
    elif name == "create_lr_scheduler_with_warmup":
        child = torch.optim.lr_scheduler.ExponentialLR(optimizer, given.pop("lr_scheduler").gamma)
        made = theirs.create_lr_scheduler_with_warmup(child, **given)
    else:
        made = getattr(theirs.param_scheduler, name)(optimizer, "lr", **given)
    for _ in range(last + 1):
        made(engine if name.endswith("StateScheduler") else None)
        seen.append(float(group["lr"] if engine.state.rate is None else engine.state.rate))
    return seen


class Fit:
    """What fastai's ``fit_...`` need of a Learner: it keeps the schedules that they would train with."""

    def __init__(self, lr: float) -> None:
        self.lr, self.moms, self.opt = (
            lr,
            (0.95, 0.85, 0.95),
            SimpleNamespace(hypers=[{"lr": lr}], set_hyper=lambda name, value: None),
        )

    def fit(self, n_epoch: Any, cbs: Any = None, **_: Any) -> None:
        (self.scheduler,) = cbs


def run_fastai(
    theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, steps: int = 0, **given: Any
) -> list[float]:
    lr = given.pop("lr_max", None) or given.pop("lr", None) or 0.4
    if name == "fit_sgdr":
        steps = given.pop("steps_per_epoch") * given["cycle_len"] * (2 ** given["n_cycles"] - 1)
    if first is not None:
        children = [lambda p, child=child: child(p * steps) for child in (first, second)]
        made = theirs.combine_scheds([given["share"], given["rest"]], children)
    elif name.startswith("fit_"):
        learner = Fit(lr)
        if name == "fit_sgdr":
            theirs.fit_sgdr(learner, lr_max=lr, **given)
        else:
            getattr(theirs, name)(learner, 10, **given)
        made = learner.scheduler.scheds["mom" if "moms" in given else "lr"]
    elif name == "LRFinder":
        steps = given["num_it"]
        made = theirs.LRFinder(**given).scheds["lr"]
    else:
        made = getattr(theirs, name)(**given)
    return [float(np.ravel(made(min(t / steps, 1.0) if name == "fit_sgdr" else t / steps))[0]) for t in range(last + 1)]


def run_deepspeed(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if "cycle_min_mom" in given:
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=base)
        return stepped(optimizer, theirs.OneCycle(optimizer, 0.1, 0.5, **given), last, "betas")
    return of_torch(getattr(theirs, name), base, last, **given)


def run_po(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if name != "ProportionScheduler":
        return of_torch(getattr(theirs, name), base, last, **given)
    child, optimizer = given.pop("lr_scheduler"), sgd(child_rate := base)
    optimizer.param_groups[0]["lr"] = child(0, child_rate)
    scheduler = theirs.ProportionScheduler(SimpleNamespace(optimizer=optimizer), **given)
    seen = [scheduler.get_lr()]
    for t in range(1, last + 1):
        optimizer.param_groups[0]["lr"] = child(t, base)
        seen.append(scheduler.step())
    return seen


def run_ps(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    optimizer = sgd(base)
    base_scheduler = importlib.import_module("pytorch_scheduler.base.scheduler").BaseScheduler

    class Of(base_scheduler):  # type: ignore[misc, valid-type]
        def __init__(self, child: Any) -> None:
            self.child = child
            super().__init__(optimizer)

        def _lr_at(self, step: int, base_lrs: list[float]) -> list[float]:
            return [self.child(step, base) for base in base_lrs]

    if name == "SequentialComposer":
        children = [Of(given["first"]), Of(given["second"])]
        made = importlib.import_module("pytorch_scheduler.experimental.sequential_composer").SequentialComposer
        return stepped(optimizer, made(optimizer, children, [given["milestone"]]), last)
    if "base_scheduler" in given:
        made = importlib.import_module("pytorch_scheduler.base.warmup").WarmupScheduler
        return stepped(optimizer, made(optimizer, **{**given, "base_scheduler": Of(given["base_scheduler"])}), last)
    made = getattr(importlib.import_module("pytorch_scheduler.scheduler"), name)
    return stepped(optimizer, made(optimizer, **given), last)


def run_lrsched(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if name == "sequential":
        made = theirs.sequential([(given["duration"], given["first"]), (given["last_duration"], given["second"])])
    elif name == "with_warmup":
        made = theirs.with_warmup(given.pop("schedule"), **given)
    else:
        made = getattr(theirs, name)(**given)
    return [made(t) for t in range(last + 1)]


def run_megatron(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    rest = {
        "init_lr": 0.0,
        "max_lr": 1.0,
        "min_lr": 0.0,
        "lr_warmup_steps": 0,
        "lr_decay_steps": 1000,
        "lr_decay_style": "linear",
    }
    rest |= {"start_wd": 0.0, "end_wd": 0.0, "wd_incr_steps": 1, "wd_incr_style": "constant"}
    optimizer, key = sgd(base), "weight_decay" if "start_wd" in given else "lr"
    scheduler, seen = theirs.OptimizerParamScheduler(optimizer, **{**rest, **given}), []
    for _ in range(last + 1):
        seen.append(float(optimizer.param_groups[0][key]))
        scheduler.step(1)
    return seen


def run_fairseq(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    optimizer, epochs = Keeper(base), bool({"lr_shrink", "lrs"} & given.keys()) and name == "fixed"
    lrs = given.pop("lrs", None) or [given.pop("lr", base)]
    if name == "manual":
        given = {"update2lr": repr({str(k): v for k, v in given["update2lr"].items()}), "epoch2lr": "{}"}
    rest = {"force_anneal": None, "lr_shrink": 0.1, "warmup_updates": 0, "warmup_init_lr": -1, "phase_ratio": None}
    scheduler = theirs[name](SimpleNamespace(**{"lr": lrs, **rest, **given}), optimizer)
    at = scheduler.step_begin_epoch if epochs else scheduler.step_update
    return [float(at(max(t, 1) if epochs else t)) for t in range(last + 1)]


def run_composer(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if name == "ConstantWithWarmupScheduler":
        given["t_max"] = last
    made = getattr(theirs, name)(**given)
    return [base * made(SimpleNamespace(timestamp=Time(t), max_duration=Time(last))) for t in range(last + 1)]


def run_paddle(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    if name == "LinearWarmup":
        given["learning_rate"] = theirs.ExponentialDecay(0.3, 0.9)
    made, seen = getattr(theirs, name)(**given), []
    for _ in range(last):
        seen.append(float(made()))
        made.step()
    return [*seen, float(made())]


def run_olmo(
    theirs: Any, name: str, base: float, last: int, first: Any = None, second: Any = None, **given: Any
) -> list[float]:
    if first is not None:
        children = [SimpleNamespace(get_lr=lambda lr, t, t_max, child=child: child(t, lr)) for child in (first, second)]
        given = {"schedulers": children, "schedulers_max": [given["milestone"]]}
    made = getattr(theirs, name)(**given)
    return [float(made.get_lr(base, t, last)) for t in range(last + 1)]


def run_pytorch_warmup(theirs: Any, name: str, base: float, last: int, beta2: float = 0.9, **given: Any) -> list[float]:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=base, betas=(0.9, beta2))
    made, seen = getattr(theirs, name)(optimizer, **given), [optimizer.param_groups[0]["lr"]]
    for _ in range(last):
        with made.dampening():
            pass
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


def run_nemo(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    return of_torch(getattr(theirs, name), base, last, **given)


def run_factory(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    return of_torch(getattr(theirs, name), base, last, **given)


def run_tsa(theirs: Any, name: str, base: float, last: int, **given: Any) -> list[float]:
    with warnings.catch_warnings():  # its stand-in for the optimizer is never stepped, which torch warns of
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        return of_torch(getattr(theirs, name), base, last, **given)


RUN: dict[str, Callable[..., list[float]]] = {
    "torch": run_torch,
    "optax": run_optax,
    "Keras": run_keras,
    "transformers": run_transformers,
    "timm": run_timm,
    "MLX": run_mlx,
    "fvcore": run_fvcore,
    "ignite": run_ignite,
    "mmengine": run_factory,
    "fastai": run_fastai,
    "DeepSpeed": run_deepspeed,
    "pytorch_optimizer": run_po,
    "pytorch-scheduler": run_ps,
    "Megatron-LM": run_megatron,
    "fairseq": run_fairseq,
    "composer": run_composer,
    "Paddle": run_paddle,
    "NeMo": run_nemo,
    "OLMo_core": run_olmo,
    "pytorch_warmup": run_pytorch_warmup,
    "lrsched": run_lrsched,
    "torch-schedule-anything": run_tsa,
}
ONLY_HERE = {
    "torch": {"cycle_momentum"},  # words of the page that choose the row, and that are the default
    "fastai": {"lr_max"},
}


def package(key: str) -> tuple[str, str]:
    """The library of a row, and its call: in the last table the library is part of the name."""
    library, _, call = key.partition(": ")
    if library != "And others":
        return library, call
    name = call.partition("(")[0]
    return (name, call) if name in FORMULA_ALONE else tuple(call.split(".", 1))  # type: ignore[return-value]


def fixed(key: str) -> dict[str, Any]:
    """The keywords of a row, with their values."""
    call = ast.parse(key.partition(": ")[2], mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}


def theirs(key: str, given: Mapping[str, Any], base: float, last: int) -> list[float]:
    library, call = package(key)
    more = {name: value for name, value in fixed(key).items() if name not in ONLY_HERE.get(library, ())}
    kept = {
        "fvcore": {"steps"},
        "fastai": {"steps", "steps_per_epoch", "lr"},
        "MLX": {"steps"},
        "lrsched": {"lr"},
        "fairseq": {"lr"},
    }.get(library, set())
    told = {name: value for name, value in given.items() if name not in MORE - kept}
    return RUN[library](loaded(library), call.partition("(")[0], base, last, **told, **more)


REAL = [(key, given) for key, given in EACH if package(key)[0] not in FORMULA_ALONE]
REAL_IDS = [name for name, (key, _) in zip(IDS, EACH, strict=True) if package(key)[0] not in FORMULA_ALONE]


@pytest.mark.parametrize(("key", "given"), REAL, ids=REAL_IDS)
def test_row(key: str, given: dict[str, Any]) -> None:
    last = last_step(key, given)
    for base in BASES:
        real = theirs(key, given, base, last)
        scale = base if ROWS[key].kind == "F" else max(map(abs, real))
        assert values(key, given, base, last) == pytest.approx(real, rel=0, abs=SINGLE.get(package(key)[0], CLOSE) * scale)


@pytest.mark.parametrize("key", sorted({key for key, _ in REAL if CASES[key].until}))
def test_where_the_page_says_that_the_peer_ends_it_does(key: str) -> None:
    for given in CASES[key].given:
        last = last_step(key, given)
        ours = values(key, given, BASES[0], last + 20)
        try:
            real = theirs(key, given, BASES[0], last + 20)
        except (RuntimeError, ValueError, IndexError, TypeError):  # complex numbers are a TypeError
            continue
        assert ours != pytest.approx(real, rel=1e-3)


def test_every_library_is_run_or_is_no_package() -> None:
    assert {package(key)[0] for key in CASES} == RUN.keys() | FORMULA_ALONE
    assert RUN.keys() == LOAD.keys()
