"""MobileASR's tables and figures from runs of our own, beside what is printed.

``items`` says which scenario makes what, ``published`` what the page says and what must hold,
``measure`` reads runs, ``sections`` puts one beside the other, and ``page``, ``latex``, ``files``
write it. It reads ``results`` and draws with ``report``; phones are the business of ``cli``.
"""
