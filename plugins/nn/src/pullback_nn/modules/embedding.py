"""A table of vectors, by number."""

from __future__ import annotations

from typing import Any, Self

import pullback as pb

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn import init
from pullback_nn.arguments import read_index
from pullback_nn.functional.embedding import read_row
from pullback_nn.modules.linear import parameter
from pullback_nn.modules.module import Module
from pullback_nn.modules.parameter import Parameter


class Embedding(Module):
    """`F.embedding` with a table of `num_embeddings` rows; the row `padding_idx` is zeros, and stays.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Embedding(10, 3)(pb.tensor([[1, 2], [3, 4]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = read_index("Embedding", "num_embeddings", num_embeddings, least=0)
        self.embedding_dim = read_index("Embedding", "embedding_dim", embedding_dim, least=0)
        self.padding_idx = None if padding_idx is None else read_row(padding_idx, num_embeddings)
        self.weight = parameter((num_embeddings, embedding_dim), dtype, device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the rows anew, from the normal distribution."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with pb.no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Self:
        """A layer with these rows; `freeze` leaves them as they are."""
        rows, features = embeddings.shape
        made = cls(rows, features, padding_idx, embeddings.device, embeddings.dtype)
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def forward(self, input: Any) -> Any:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
