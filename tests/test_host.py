"""The PyTorch host: "gpu", Tensor.eval(), and nothing else changed."""

import copy
import io
import math
import pickle
from typing import Any

import pytest
import torch

import lucid
from lucid.optim import lr_scheduler

F = lucid.nn.functional
ACCELERATOR = torch.accelerator.is_available()
no_gpu = pytest.mark.skipif(ACCELERATOR, reason="an accelerator is here: this is about its absence")
MESSAGE = r'device "gpu.*": PyTorch finds no accelerator on this machine; use "cpu"'


class MyNet(lucid.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = lucid.nn.Sequential(lucid.nn.Flatten(), lucid.nn.Linear(16, 8), lucid.nn.ReLU())
        self.head = lucid.nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.head(F.relu(self.body(x)))


def make_loader(n: int = 24) -> Any:
    torch.manual_seed(0)
    data = lucid.data.TensorDataset(lucid.tensor(torch.randn(n, 4, 4).tolist()), lucid.tensor([i % 3 for i in range(n)]))
    return lucid.data.DataLoader(data, batch_size=8, shuffle=True)


def train_one_epoch(model: Any, optimizer: Any, loader: Any) -> float:
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return loss.item()


# -- the specification's scripts, as written


def test_script_step() -> None:
    model, loader = MyNet(), make_loader()
    optimizer = lucid.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = lucid.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    for epoch in range(90):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.1 ** (epoch // 30))
        train_one_epoch(model, optimizer, loader)
        scheduler.step()


def test_script_exponential() -> None:
    model, loader = MyNet(), make_loader()
    optimizer = lucid.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = lucid.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
    for _ in range(5):
        train_one_epoch(model, optimizer, loader)
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.95**5)


def test_script_plateau() -> None:
    model, loader = MyNet(), make_loader()
    optimizer = lucid.optim.AdamW(model.parameters(), lr=3e-4)
    scheduler = lucid.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=0.2, patience=3, cooldown=1, min_lr=1e-6
    )
    for _epoch in range(30):
        train_one_epoch(model, optimizer, loader)
        val_loss = lucid.tensor(1.0)
        scheduler.step(val_loss)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "device", [pytest.param("gpu", marks=pytest.mark.skipif(not ACCELERATOR, reason="no accelerator here")), "cpu"]
)
def test_script_device(device: str) -> None:
    torch.manual_seed(1)
    loader = make_loader()
    model = MyNet().to(device)
    optimizer = lucid.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = lucid.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=1e-5)
    losses = []
    for _epoch in range(50):
        for inputs, targets in loader:
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            out = model(inputs)
            loss = F.cross_entropy(out, targets)
            loss.eval()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-5)
    assert losses[-1] < 0.3 * losses[0]


# -- "gpu"


@no_gpu
def test_gpu_without_one_is_a_clear_error() -> None:
    for ask in (
        lambda: MyNet().to("gpu"),
        lambda: MyNet().to(device="gpu:0"),
        lambda: MyNet().to("gpu", torch.float64),
        lambda: MyNet().to_empty(device="gpu"),
        lambda: lucid.nn.Linear(1, 1, device="gpu"),
        lambda: lucid.tensor([1.0], device="gpu"),
        lambda: lucid.tensor([1.0]).to("gpu"),
        lambda: lucid.tensor([1.0]).to(device="gpu"),
        lambda: (lucid.tensor([1.0]) * 2).sum().to("gpu"),
        lambda: next(iter(make_loader()))[0].to("gpu"),
        lambda: lucid.device("gpu"),
        lambda: lucid.device("gpu", 1),
        lambda: F.relu(torch.ones(1)).to("gpu"),
        lambda: lucid.nn.Linear(1, 1)(torch.ones(1)).to("gpu"),
        lambda: lucid.load(io.BytesIO(), map_location="gpu"),
    ):
        with pytest.raises(RuntimeError, match=MESSAGE):
            ask()


def test_gpu_is_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("meta"))
    assert lucid.device("gpu") == torch.device("meta")
    assert MyNet().to("gpu").head.weight.device.type == "meta"
    assert lucid.nn.Linear(1, 1, device="gpu").weight.device.type == "meta"
    assert lucid.tensor([1.0]).to("gpu", torch.float64).dtype == torch.float64
    waits = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waits.append)
    moved = lucid.tensor([1.0]).to("gpu")
    assert moved.eval() is moved
    assert waits == [torch.device("meta")]


def test_other_devices_pass_through() -> None:
    assert lucid.device("cpu") == lucid.device() == torch.device("cpu")
    assert lucid.tensor([1]).to("cpu", torch.float64).dtype == torch.float64
    assert lucid.tensor([1]).to(torch.int32).dtype == torch.int32
    assert MyNet().to(torch.float64).head.weight.dtype == torch.float64
    with pytest.raises(RuntimeError, match="gpus"):
        lucid.device("gpus")


LAYERS: dict[str, tuple[Any, ...]] = {
    "Transformer": (8, 2, 1, 1, 16), "TransformerEncoderLayer": (8, 2), "MultiheadAttention": (8, 2), "LSTM": (2, 3),
    "Conv2d": (1, 2, 3), "BatchNorm2d": (3,), "Embedding": (3, 2), "ModuleList": (), "ParameterList": (), "Dropout": (),
    "AdaptiveLogSoftmaxWithLoss": (8, 10, [4]), "CrossEntropyLoss": (), "LazyLinear": (3,), "GRUCell": (2, 3),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*nested_tensor.*:UserWarning", "ignore:Lazy modules.*:UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_and_every_layer_inside_knows_gpu(name: str) -> None:
    layer = getattr(lucid.nn, name)(*LAYERS[name])
    assert isinstance(layer, getattr(torch.nn, name))
    assert isinstance(layer, lucid.nn.Module)
    for inner in layer.modules():
        assert type(inner).__module__ == "lucid.nn", type(inner)
        if not ACCELERATOR:
            with pytest.raises(RuntimeError, match=MESSAGE):
                inner.to("gpu")
    again = pickle.loads(pickle.dumps(layer))
    assert [type(m) for m in again.modules()] == [type(m) for m in layer.modules()]
    assert [type(m) for m in copy.deepcopy(layer).modules()] == [type(m) for m in layer.modules()]


@pytest.mark.filterwarnings("ignore:.*deprecated.*:FutureWarning")
def test_all_of_torch_nn_is_here_and_torch_is_untouched() -> None:
    for name in dir(torch.nn):
        if name.startswith("_") or name in ("functional", "Module", "Parameter"):
            continue
        theirs, ours = getattr(torch.nn, name), getattr(lucid.nn, name)
        if isinstance(theirs, type) and issubclass(theirs, torch.nn.Module):
            assert issubclass(ours, theirs), name
            assert issubclass(ours, lucid.nn.Module), name
            assert ours.__name__ == theirs.__name__
        else:
            assert ours is theirs, name
    assert not hasattr(torch.Tensor, "eval")
    assert type(torch.nn.Linear(1, 1)(torch.ones(1))) is torch.Tensor
    for call in (torch.nn.Linear(1, 1).to, torch.ones(1).to):
        with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
            call("gpu")
    with pytest.raises(AttributeError, match=r"module 'lucid\.nn' has no attribute 'Linearr'"):
        _ = lucid.nn.Linearr  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"module 'lucid\.nn\.functional' has no attribute 'relus'"):
        _ = F.relus  # type: ignore[attr-defined]
    assert {"Linear", "functional", "Module"} <= set(dir(lucid.nn))


def test_all_of_torch_optim_is_here() -> None:
    for name in torch.optim.__all__:
        if name != "lr_scheduler":
            assert getattr(lucid.optim, name) is getattr(torch.optim, name)
    assert lucid.optim.lr_scheduler is lr_scheduler


# -- Tensor


def test_what_comes_of_a_tensor_is_one() -> None:
    x = lucid.tensor([[1.0, 2.0], [3.0, 4.0]])
    results = [x + 1, 1 + x, x @ x, x.sum(), x[0], x.T, x.clone().add_(1), x.max(dim=1).values, F.softmax(x, 1), torch.exp(x)]
    results += [*x.unbind(), *torch.split(x, 1), x.detach(), F.relu(torch.ones(2)), lucid.nn.Linear(2, 1)(torch.ones(2))]
    results += [x.to(torch.float64), torch.stack([x, x]), torch.cat([x, torch.ones(1, 2)])]
    results += list(lucid.nn.LSTM(2, 3)(x)[1])
    for result in results:
        assert type(result) is lucid.Tensor
        assert result.eval() is result
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert type(x.shape) is torch.Size
    assert isinstance(x, torch.Tensor)


def test_gradients_are_torchs() -> None:
    torch.manual_seed(0)
    ours = MyNet()
    theirs = copy.deepcopy(ours)
    inputs, targets = torch.randn(8, 4, 4), torch.arange(8) % 3
    F.cross_entropy(ours(inputs.as_subclass(lucid.Tensor)), targets).backward()
    torch.nn.functional.cross_entropy(theirs(inputs), targets).backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)  # type: ignore[arg-type]
    x = lucid.tensor([1.0, 2.0], requires_grad=True)
    assert x.is_leaf
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]  # type: ignore[union-attr]


def test_parameters_are_torchs_own() -> None:
    parameter = lucid.nn.Parameter(lucid.tensor([1.0]))
    assert type(parameter) is torch.nn.Parameter
    assert isinstance(parameter, lucid.nn.Parameter)
    assert not isinstance(torch.ones(1), lucid.nn.Parameter)
    assert [type(p) for p in MyNet().parameters()] == [torch.nn.Parameter] * 4


def test_files_are_plain_and_loading_is_safe(tmp_path: Any) -> None:
    net = MyNet()
    net.register_buffer("seen", lucid.tensor([3.0]))
    path = tmp_path / "net.pt"
    lucid.save({"net": net.state_dict(), "x": lucid.tensor([1.0]), "epochs": [lucid.tensor(2), "two"]}, path)
    loaded = torch.load(path, weights_only=True)
    assert type(loaded["x"]) is type(loaded["net"]["seen"]) is torch.Tensor
    ours = lucid.load(path, map_location="cpu")
    assert type(ours["x"]) is type(ours["epochs"][0]) is lucid.Tensor
    net.load_state_dict(ours["net"])

    optimizer = lucid.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train_one_epoch(net, optimizer, make_loader())
    lucid.save([optimizer.state_dict()], path)
    optimizer.load_state_dict(lucid.load(path)[0])
    assert {type(state["momentum_buffer"]) for state in optimizer.state.values()} == {torch.Tensor}  # optimizers are fast on it

    torch.save({"boom": print}, path)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        lucid.load(path)
    assert lucid.load(path, weights_only=False)["boom"] is print


def test_copies_and_pickles_of_tensors() -> None:
    x = lucid.tensor([1.0], requires_grad=True)
    twin = copy.deepcopy(x)
    assert type(twin) is lucid.Tensor
    assert (twin.is_leaf, twin.requires_grad, twin.tolist()) == (True, True, [1.0])
    assert pickle.loads(pickle.dumps(x)).tolist() == [1.0]


# -- data


@pytest.mark.parametrize("workers", [0, 1])
def test_loaders_hand_out_tensors(workers: int) -> None:
    rows = [{"x": torch.ones(2), "pair": (torch.zeros(1), 3)} for _ in range(4)]
    for batch in lucid.data.DataLoader(rows, batch_size=2, num_workers=workers):
        assert type(batch["x"]) is type(batch["pair"][0]) is type(batch["pair"][1]) is lucid.Tensor
    data = lucid.data.TensorDataset(lucid.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1, 2, 3]))
    assert [type(t) for t in data[0]] == [lucid.Tensor] * 2
    first, rest = lucid.data.random_split(data, [1, 2], torch.Generator().manual_seed(0))
    assert (len(first), len(rest)) == (1, 2)
    batches = list(lucid.data.DataLoader(rest, batch_size=2, num_workers=workers))
    assert [type(t) for t in batches[0]] == [lucid.Tensor] * 2
    assert sorted([*batches[0][1].tolist(), first[0][1].item()]) == [1, 2, 3]
    assert len(lucid.data.DataLoader(data, batch_size=2)) == 2
    assert issubclass(lucid.data.TensorDataset, lucid.data.Dataset)


def test_named_batches_keep_their_type() -> None:
    from collections import namedtuple

    Pair = namedtuple("Pair", "a b")
    loader = lucid.data.DataLoader([Pair(torch.ones(1), 2.0)] * 2, batch_size=2)
    batch = next(iter(loader))
    assert type(batch) is Pair
    assert type(batch.a) is lucid.Tensor


def test_a_compiled_model_takes_and_gives_tensors() -> None:
    net = MyNet()
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    x = lucid.tensor(torch.randn(2, 4, 4).tolist())
    out = compiled(x)
    assert type(out) is lucid.Tensor
    assert torch.allclose(out, net(x))


def test_a_tensor_rate_of_ours() -> None:
    optimizer = lucid.optim.SGD(MyNet().parameters(), lr=lucid.tensor(0.1, dtype=torch.float64))
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert float(optimizer.param_groups[0]["lr"]) == 0.05
    assert math.isclose(scheduler.get_last_lr()[0], 0.05)


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_readmes_code_runs_and_says_what_it_says(name: str) -> None:
    from pathlib import Path

    text = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert scope["schedule"](5_250, 3e-4) == pytest.approx(0.0001505)
    assert "schedule(5_250, 3e-4)  # 0.0001505" in code
    assert scope["scheduler"].lr_at(5_250) == [pytest.approx(0.0001505)]
    assert "scheduler.lr_at(5_250)  # [0.0001505]" in code
    assert "from lucid.optim.lr_scheduler import *" in text
