"""Everything that is said to one phone, and to the adb server between.

``server`` (a private adb server, or one that runs), ``phone`` (shell, files, with whole-call time
limits and typed errors), ``transfer`` (content-addressed files), ``follow`` (append-only files over
a bad cable), ``install``. For ``devices``, ``sampling``, ``pressure``, ``lab`` and ``cli``.
"""
