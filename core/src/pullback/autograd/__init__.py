"""Automatic differentiation under PyTorch's names."""

from pullback.autograd import forward_ad as forward_ad
from pullback.autograd import functional as functional
from pullback.autograd import graph as graph
from pullback.autograd.anomaly import detect_anomaly as detect_anomaly
from pullback.autograd.anomaly import is_anomaly_enabled as is_anomaly_enabled
from pullback.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
from pullback.autograd.checkpointing import checkpoint as checkpoint
from pullback.autograd.checkpointing import checkpoint_sequential as checkpoint_sequential
from pullback.autograd.custom import custom_derivative as custom_derivative
from pullback.autograd.explain import Explanation as Explanation
from pullback.autograd.explain import explain as explain
from pullback.autograd.function import Function as Function
from pullback.autograd.gradcheck import gradcheck as gradcheck
from pullback.autograd.gradcheck import gradgradcheck as gradgradcheck
from pullback.autograd.passes import backward as backward
from pullback.autograd.passes import grad as grad
from pullback.autograd.variable import Variable as Variable
from pullback.backward import ieee_products as ieee_products
from pullback.grad_mode import enable_grad as enable_grad
from pullback.grad_mode import inference_mode as inference_mode
from pullback.grad_mode import no_grad as no_grad
from pullback.grad_mode import set_grad_enabled as set_grad_enabled

__all__ = [
    "Explanation",
    "Function",
    "Variable",
    "backward",
    "checkpoint",
    "checkpoint_sequential",
    "custom_derivative",
    "detect_anomaly",
    "enable_grad",
    "explain",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "ieee_products",
    "inference_mode",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
