"""Other libraries on Tensors: a table of calls for each."""

from consumers.array_api_extra_calls import TABLE as ARRAY_API_EXTRA
from consumers.autoray_calls import TABLE as AUTORAY
from consumers.einops_calls import TABLE as EINOPS
from consumers.opt_einsum_calls import TABLE as OPT_EINSUM
from consumers.scipy_calls import TABLE as SCIPY
from consumers.sklearn_calls import TABLE as SKLEARN
from consumers.xarray_calls import TABLE as XARRAY

TABLES = (SCIPY, SKLEARN, ARRAY_API_EXTRA, EINOPS, OPT_EINSUM, AUTORAY, XARRAY)
