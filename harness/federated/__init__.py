"""One model trained over many clients in rounds, as a program that adds tasks to a run.

``program`` adds what clients do in a round and what the host makes of it, ``rounds`` is the host's
part (functions of `harness.lab.scheduling.host_tasks`), ``aggregate`` and ``strategies`` compute,
entry by entry from files. Flower is imported by ``flower`` alone, and only when it is used.
"""

from harness.federated.program import check_server, federated_program
from harness.federated.pruning.layers import check_pruning

__all__ = ["check_pruning", "check_server", "federated_program"]
