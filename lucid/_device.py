"""The device name "gpu": whatever accelerator PyTorch finds."""

from typing import Any

import torch


def device(name: Any = "cpu", index: int | None = None) -> torch.device:
    """A ``torch.device``; ``"gpu"`` is the accelerator at hand (CUDA, MPS, XPU), ``"gpu:1"`` its second one.

    Raises:
        RuntimeError: ``"gpu"`` on a machine without an accelerator.

    Example:
        >>> device("cpu")
        device(type='cpu')
    """
    if isinstance(name, str) and name.partition(":")[0] == "gpu":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        if accelerator is None:
            raise RuntimeError(f'device "{name}": PyTorch finds no accelerator on this machine; use "cpu"')
        name = accelerator.type + name[len("gpu") :]
    return torch.device(name) if index is None else torch.device(name, index)


def known(name: Any) -> Any:
    """``name`` as PyTorch knows it: "gpu" becomes a device, anything else stays."""
    return device(name) if isinstance(name, str) and name.startswith("gpu") else name


def known_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a ``to(...)``, with "gpu" in them made known to PyTorch."""
    if args and isinstance(args[0], str):
        args = (known(args[0]), *args[1:])
    if "device" in kwargs:
        kwargs = {**kwargs, "device": known(kwargs["device"])}
    return args, kwargs
