"""Losses as layers: the functions of `functional`, with their options as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn.modules.module import Module


class _Loss(Module):
    """A function of input and target (or more), and its options by name. Tensors among them are buffers."""

    function: Callable[..., Any]
    options: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        names = list(self.options)
        if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
            raise TypeError(f"{type(self).__name__} takes ({', '.join(names)}), got {args} and {kwargs}")
        for name, value in (self.options | dict(zip(names, args, strict=False)) | kwargs).items():
            if name in ("weight", "pos_weight"):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *tensors: Any) -> Any:
        return type(self).function(*tensors, **{name: getattr(self, name) for name in self.options})


def _loss(name: str, function: Callable[..., Any], **options: Any) -> Any:
    """A layer of this loss; the defaults of its options in their order."""
    doc = f"`F.{function.__name__}` as a layer.\n\n>>> import pullback_nn as nn\n>>> nn.{name}()\n{name}()"
    members = {"function": staticmethod(function), "options": options, "__doc__": doc, "__module__": __name__}
    return type(name, (_Loss,), members)


MSELoss = _loss("MSELoss", F.mse_loss, reduction="mean")
L1Loss = _loss("L1Loss", F.l1_loss, reduction="mean")
SmoothL1Loss = _loss("SmoothL1Loss", F.smooth_l1_loss, reduction="mean", beta=1.0)
HuberLoss = _loss("HuberLoss", F.huber_loss, reduction="mean", delta=1.0)
BCELoss = _loss("BCELoss", F.binary_cross_entropy, weight=None, reduction="mean")
BCEWithLogitsLoss = _loss(
    "BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, weight=None, reduction="mean", pos_weight=None
)
NLLLoss = _loss("NLLLoss", F.nll_loss, weight=None, ignore_index=-100, reduction="mean")
CrossEntropyLoss = _loss(
    "CrossEntropyLoss", F.cross_entropy, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
)
KLDivLoss = _loss("KLDivLoss", F.kl_div, reduction="mean", log_target=False)
PoissonNLLLoss = _loss("PoissonNLLLoss", F.poisson_nll_loss, log_input=True, full=False, eps=1e-8, reduction="mean")
GaussianNLLLoss = _loss("GaussianNLLLoss", F.gaussian_nll_loss, full=False, eps=1e-6, reduction="mean")
HingeEmbeddingLoss = _loss("HingeEmbeddingLoss", F.hinge_embedding_loss, margin=1.0, reduction="mean")
SoftMarginLoss = _loss("SoftMarginLoss", F.soft_margin_loss, reduction="mean")
MarginRankingLoss = _loss("MarginRankingLoss", F.margin_ranking_loss, margin=0.0, reduction="mean")
CosineEmbeddingLoss = _loss("CosineEmbeddingLoss", F.cosine_embedding_loss, margin=0.0, reduction="mean")
TripletMarginLoss = _loss(
    "TripletMarginLoss", F.triplet_margin_loss, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"
)
CosineSimilarity = _loss("CosineSimilarity", F.cosine_similarity, dim=1, eps=1e-8)
PairwiseDistance = _loss("PairwiseDistance", F.pairwise_distance, p=2.0, eps=1e-6, keepdim=False)
