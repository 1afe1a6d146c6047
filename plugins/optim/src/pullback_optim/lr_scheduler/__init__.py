"""Schedulers of the learning rate, in PyTorch's names."""

from pullback_optim.lr_scheduler.base import LRScheduler as LRScheduler
from pullback_optim.lr_scheduler.combined import ChainedScheduler as ChainedScheduler
from pullback_optim.lr_scheduler.combined import SequentialLR as SequentialLR
from pullback_optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from pullback_optim.lr_scheduler.one_cycle import OneCycleLR as OneCycleLR
from pullback_optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from pullback_optim.lr_scheduler.rates import ConstantLR as ConstantLR
from pullback_optim.lr_scheduler.rates import CosineAnnealingLR as CosineAnnealingLR
from pullback_optim.lr_scheduler.rates import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from pullback_optim.lr_scheduler.rates import ExponentialLR as ExponentialLR
from pullback_optim.lr_scheduler.rates import LambdaLR as LambdaLR
from pullback_optim.lr_scheduler.rates import LinearLR as LinearLR
from pullback_optim.lr_scheduler.rates import MultiplicativeLR as MultiplicativeLR
from pullback_optim.lr_scheduler.rates import MultiStepLR as MultiStepLR
from pullback_optim.lr_scheduler.rates import PolynomialLR as PolynomialLR
from pullback_optim.lr_scheduler.rates import StepLR as StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
