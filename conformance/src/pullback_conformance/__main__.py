"""`python -m pullback_conformance`."""

from pullback_conformance.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
