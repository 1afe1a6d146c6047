"""Calls of xarray around Tensors."""

from __future__ import annotations

import numpy as np
import pullback as pb
import xarray as xr
from helpers.consumers import Table

TABLE = Table("xarray", names={"xr": xr, "np": np})

TABLE.works("xr.DataArray(x, dims='a').mean(skipna=False).data", x=TABLE.normal(4))
TABLE.works("(xr.DataArray(x, dims='a') * xr.DataArray(y, dims='b')).data", x=TABLE.normal(4), y=TABLE.normal(3))
TABLE.works("xr.DataArray(x, dims=('a', 'b')).sum('a').data", x=TABLE.normal(4, 2))
TABLE.works(
    "xr.DataArray(x, dims=('a', 'b')).isel(a=[0, 2], b=1).data", x=TABLE.normal(4, 2), beyond="NumPy arrays in an index"
)
TABLE.works(
    "xr.DataArray(x, dims='a', coords={'a': [1, 2, 3, 4]}).sel(a=[2, 4]).data",
    x=TABLE.normal(4),
    beyond="NumPy arrays in an index",
)
TABLE.works("xr.DataArray(x, dims=('a', 'b')).T.data", x=TABLE.normal(4, 2))
TABLE.works("xr.DataArray(x, dims='a').where(xr.DataArray(x, dims='a') > 0, 0.0).data", x=TABLE.normal(4))
TABLE.works(
    "xr.concat([xr.DataArray(x, dims='a'), xr.DataArray(y, dims='a')], 'a').data", x=TABLE.normal(4), y=TABLE.normal(2)
)
TABLE.works("xr.DataArray(x, dims='a').roll(a=1).data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a').diff('a').data", x=TABLE.normal(4))
TABLE.works(
    "xr.DataArray(x, dims='a', coords={'a': [0, 0, 1, 1]}).groupby('a').sum(skipna=False).data",
    x=TABLE.normal(4),
    beyond="NumPy arrays in an index",
)
TABLE.works("xr.DataArray(x, dims='a').clip(-0.5, 0.5).data", x=TABLE.normal(4))
TABLE.works("xr.dot(xr.DataArray(x, dims='a'), xr.DataArray(y, dims='a')).data", x=TABLE.normal(4), y=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a').max(skipna=False).data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a').coarsen(a=2).sum().data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a', coords={'a': [0.0, 1.0, 2.0, 4.0]}).integrate('a').data", x=TABLE.normal(4))
TABLE.works("xr.where(xr.DataArray(x, dims='a') > 0, xr.DataArray(x, dims='a'), 0.0).data", x=TABLE.normal(4))
TABLE.works("xr.apply_ufunc(lambda a: xp.exp(a), xr.DataArray(x, dims='a')).data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims=('a', 'b')).stack(c=('a', 'b')).data", x=TABLE.normal(4, 2))
TABLE.works("xr.Dataset({'v': ('a', x)}).mean(skipna=False)['v'].data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a').fillna(0.0).data", x=TABLE.normal(4))
TABLE.works("xr.DataArray(x, dims='a').prod(skipna=False).data", x=TABLE.normal(4))
TABLE.closed("xr.DataArray(x, dims='a').mean().data", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(4))
TABLE.closed("xr.DataArray(x, dims='a').std(skipna=False).data", TypeError, "passes NumPy's `ddof`", x=TABLE.normal(4))
TABLE.closed(
    "xr.DataArray(x, dims='a').var(skipna=False, ddof=1).data", TypeError, "passes NumPy's `ddof`", x=TABLE.normal(4)
)
TABLE.closed("xr.DataArray(x, dims='a').cumsum().data", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(4))
TABLE.closed(
    "xr.DataArray(x, dims='a').shift(a=1, fill_value=0.0).data",
    AttributeError,
    "needs `pad`, which is not in the standard",
    x=TABLE.normal(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a').pad(a=1, constant_values=0.0).data",
    AttributeError,
    "needs `pad`, which is not in the standard",
    x=TABLE.normal(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a').rolling(a=2).mean().data",
    AttributeError,
    "needs `pad`, which is not in the standard",
    x=TABLE.normal(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a', coords={'a': [0.0, 1.0, 2.0, 4.0]}).differentiate('a').data",
    AttributeError,
    "needs `gradient`, which is not in the standard",
    x=TABLE.normal(4),
)
TABLE.closed("np.sin(xr.DataArray(x, dims='a')).data", TypeError, "applies a NumPy ufunc", x=TABLE.normal(4))
TABLE.closed(
    "xr.DataArray(x, dims='a', coords={'a': [0.0, 1.0, 2.0, 4.0]}).interp(a=[0.5]).data",
    TypeError,
    "insists on numpy.dtype",
    x=TABLE.normal(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a').weighted(xr.DataArray(y, dims='a')).mean(skipna=False).data",
    TypeError,
    "insists on numpy.dtype",
    x=TABLE.normal(4),
    y=TABLE.uniform(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a').weighted(xr.DataArray(y, dims='a')).mean().data",
    TypeError,
    "insists on numpy.dtype",
    x=TABLE.normal(4),
    y=TABLE.uniform(4),
)
TABLE.closed(
    "xr.DataArray(x, dims='a').median(skipna=False).data",
    AttributeError,
    "needs `median`, which is not in the standard",
    x=TABLE.normal(4),
)
TABLE.closed(
    "xr.corr(xr.DataArray(x, dims='a'), xr.DataArray(y, dims='a')).data",
    TypeError,
    "insists on numpy.dtype",
    x=TABLE.normal(4),
    y=TABLE.normal(4),
)
