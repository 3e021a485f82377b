"""The lab's own scheduler, queue, ledger and leases on a simulated clock, with simulated phones.

Everything follows from a seed: ``script/bench simulation --seed 7`` replays what a test found.
"""
