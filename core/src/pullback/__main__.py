"""`python -m pullback`: the command line, where no script is on the path."""

import sys

from pullback.cli import main

sys.exit(main())
