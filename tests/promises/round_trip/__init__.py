"""Events that are drawn, said in every format, and held against what must come back."""
