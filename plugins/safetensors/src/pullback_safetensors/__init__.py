"""Save and load tensors and training states of pullback, without pickle."""
