"""Set before any test is imported: SciPy reads its switch once, when it is first imported, by whichever test that is.

Workers of pytest-xdist are processes of their own that load this file first, too.
"""

import os
import sys

os.environ["SCIPY_ARRAY_API"] = "1"

if "scipy" in sys.modules:
    raise RuntimeError("scipy was imported before conftest.py could set SCIPY_ARRAY_API=1")
