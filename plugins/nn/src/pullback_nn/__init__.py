"""Layers, losses and the functions of neural networks for pullback."""
