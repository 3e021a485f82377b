"""The trainer's APK: building it from public parts, and looking into one."""
