"""Before a phone is touched: what jobs need, which phones fit, and how long it takes."""
