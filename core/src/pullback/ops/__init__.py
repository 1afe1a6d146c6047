"""The derivative table: one file per chapter of the Array API standard, names as in the standard."""
