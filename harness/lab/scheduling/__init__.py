"""What runs next, and where: the graph of tasks, the queue, the phones, orders and reports."""
