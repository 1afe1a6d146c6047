"""The Dask backend of pullback, and data-parallel training on a Dask cluster."""
