"""What is claimed of the functions: the entry point `nn` of the group `pullback.conformance`, a row each.

`pullback conformance --plugin nn` checks them, against the definitions next to this file. Values are drawn where a
function is smooth; the points where it is not are kinks with the slope that is documented.
"""

from pullback_nn.conformance.activations import activations
from pullback_nn.conformance.layers import norms, pools, products
from pullback_nn.conformance.losses import losses

SPECS = (*activations(), *products(), *pools(), *norms(), *losses())
