"""Which phones there are, what they are, and whether one may be used now.

``profile`` (phone models), ``inventory`` (phones on adb servers), ``requirements`` (which phone
fits a job), ``gates`` (is it in a fit state), ``settings_guard`` (put back what was changed),
``doctor``. For ``lab`` and ``cli``; ``profile`` also for virtual phones: nothing is imported here.
"""
