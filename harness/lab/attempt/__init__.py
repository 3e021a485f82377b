"""One attempt: its steps on one phone, what it learns, and the real tools that it works with."""
