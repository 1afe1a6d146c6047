"""A chain of 1000 products of two Tensors of 10 elements, forward and backward, with both gradients."""

from workloads.scalar_products import COUNT, UNIT, of_shape

__all__ = ["COUNT", "UNIT"]
globals().update(of_shape((10,)))
