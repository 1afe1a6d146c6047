"""What derivatives are compared with. Nothing here may know pullback: a test reads the imports of every file."""
