"""The workloads, one per module, each written once for every peer in the way that the peer's users write it.

A module has `COUNT`, how many units (ops, steps, nodes) one call does, `UNIT`, the word for them, and a function
`with_<peer>()` for each peer, which returns the function to time. What that returns begins with the value and the
gradients or new weights: the tests compare them between peers. A module with `PHASES = True` returns a pair (build,
differentiate) instead, timed apart; its `COUNTS` has another number of units for some peers.
"""
