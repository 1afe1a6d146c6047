"""What the tests share: finite differences, checks of derivatives against them, and a naive engine to compare with."""
