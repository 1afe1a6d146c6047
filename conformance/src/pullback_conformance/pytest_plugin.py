"""For `pytest -p pullback_conformance.pytest_plugin`, where the plugins that are installed are not loaded by themselves."""

pytest_plugins = ("pullback_conformance_pytest",)
