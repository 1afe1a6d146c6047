"""Optimisers and schedulers for pullback, in PyTorch's names: `import pullback_optim as optim`."""

from pullback_optim import lr_scheduler as lr_scheduler
from pullback_optim.adaptive import Adagrad as Adagrad
from pullback_optim.adaptive import Adam as Adam
from pullback_optim.adaptive import AdamW as AdamW
from pullback_optim.adaptive import RMSprop as RMSprop
from pullback_optim.averaging import ExponentialMovingAverage as ExponentialMovingAverage
from pullback_optim.clipping import clip_grad_norm_ as clip_grad_norm_
from pullback_optim.clipping import clip_grad_value_ as clip_grad_value_
from pullback_optim.lbfgs import LBFGS as LBFGS
from pullback_optim.minimization import minimize as minimize
from pullback_optim.optimizer import Optimizer as Optimizer
from pullback_optim.sgd import SGD as SGD

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "ExponentialMovingAverage",
    "LBFGS",
    "Optimizer",
    "RMSprop",
    "SGD",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
    "minimize",
]
