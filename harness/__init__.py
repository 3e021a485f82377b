"""A device-lab bench for on-device speech training.

Layout and floors are described in ``ARCHITECTURE.md``; each folder's ``__init__`` says what
lives there and who may call it.
"""

__version__ = "0.1.0"
