"""PyTorch's datasets and loader, whose tensors are lucid.Tensor."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.utils.data as _data
from torch.utils.data import Dataset, random_split

from lucid._tensor import Tensor, handed_out, plain

__all__ = ["DataLoader", "Dataset", "TensorDataset", "random_split"]


class TensorDataset(_data.TensorDataset):
    """Samples that are rows of tensors: arguments as PyTorch's."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__(*(plain(t) if isinstance(t, Tensor) else t for t in tensors))  # plain ones are quicker to index

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(handed_out(t) for t in super().__getitem__(index))  # type: ignore[no-untyped-call]

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, ...]]:
        """A batch for the loader, which hands out lucid.Tensor at its end."""
        index = torch.tensor(indices)
        return list(zip(*(t[index].unbind() for t in self.tensors), strict=True))  # one indexing a tensor, not one a sample


class DataLoader(_data.DataLoader):  # type: ignore[type-arg]
    """Batches of a dataset: arguments as PyTorch's."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return map(handed_out, super().__iter__())
