"""What a run must not forget: its tasks and attempts in sqlite, and how a run is taken up again."""
