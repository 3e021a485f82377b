"""MobileASR's tables and figures from runs of our own, beside what is printed.

``items`` says which scenario makes what, ``published`` what the page says and what must hold,
``measure`` reads runs, ``tables`` and ``figures`` put one beside the other as ``sections``, and
``latex`` and ``files`` write them. It reads ``results`` and draws with ``report``; phones are the
business of ``cli``.
"""
