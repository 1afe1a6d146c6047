"""The standard's own test suite (data-apis/array-api-tests), run on Tensors and held to a list of expected failures.

`python -m pullback_conformance.array_api_tests CHECKOUT --backend NAME` runs it. The suite is no package that can be
installed: CHECKOUT is a clone of it with its submodule.
"""
