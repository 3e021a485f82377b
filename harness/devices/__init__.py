"""Which phones there are, what they are, and whether one may be used now.

``profile`` (phone models), ``vendors`` (makers' Androids), ``inventory`` (phones on adb servers),
``capabilities`` (what their shell may do), ``requirements`` (which phone fits a job), ``gates`` and
``gate_wait`` (is it in a fit state), ``preparing`` (what is changed for an attempt), ``changes``
and ``settings_guard`` (changed so that it comes back), ``doctor``. For ``lab`` and ``cli``;
``profile`` also for virtual phones: nothing is imported here.
"""
