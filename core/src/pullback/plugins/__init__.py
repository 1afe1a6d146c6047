"""Plugins: backends and op packages, found through entry points. Nothing here runs while an op is called."""
