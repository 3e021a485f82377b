"""``settings``: tables of texts, kept over a restart of the phone."""

from __future__ import annotations

import json

from harness.virtual.properties import android_id
from harness.virtual.system.call import Call
from harness.virtual.system.packages import KEYBOARD
from harness.virtual.system.service import Answers, System

TABLES = ("global", "secure", "system")
"""Their names."""


class Settings:
    """The three tables.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._file = file = system.data / "settings.json"
        try:
            self._values: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            self._values = {
                "global": {"adb_enabled": "1", "stay_on_while_plugged_in": "0",
                           "device_provisioned": "1", "airplane_mode_on": "0",
                           "animator_duration_scale": "1.0", "auto_time": "1",
                           "bluetooth_on": "0", "device_name": "Virtual phone",
                           "mobile_data": "0", "transition_animation_scale": "1.0",
                           "wifi_on": "1", "window_animation_scale": "1.0"},
                "secure": {"android_id": android_id(system.root.spec.serial), "location_mode": "0",
                           "default_input_method": KEYBOARD,
                           "enabled_input_methods": KEYBOARD,
                           "user_setup_complete": "1"},
                "system": {"screen_brightness": "128", "screen_brightness_mode": "0",
                           "screen_off_timeout": "60000", "accelerometer_rotation": "0",
                           "font_scale": "1.0", "user_rotation": "0"},
            }  # fmt: skip
        self.answers = Answers(
            commands={"settings": self.run},
            cmd={"settings": lambda call, _: self.run(call)},
        )

    def get(self, table: str, key: str) -> str | None:
        """Return a setting, None if it isn't set."""
        return self._values.get(table, {}).get(key)

    def table(self, table: str) -> list[tuple[str, str]]:
        """Return all settings of a table, by name."""
        return sorted(self._values[table].items())

    def put(self, table: str, key: str, value: str | None) -> None:
        """Set a setting, or delete it (None)."""
        if value is None:
            self._values[table].pop(key, None)
        else:
            self._values[table][key] = value
        self._file.write_text(json.dumps(self._values), encoding="utf-8")

    def run(self, call: Call) -> int:
        """Carry out ``settings``. Source: AOSP ``SettingsService``."""
        args = list(call.args)
        if "--user" in args:
            at = args.index("--user")
            del args[at : at + 2]
        verb, table, *rest = [*args, "", ""]
        words = [word for word in rest if word]
        table = table.lower()
        if verb not in ("get", "put", "delete", "list", "reset"):
            return call.unknown(verb)
        if table not in TABLES:
            call.error(
                f"Error: Invalid namespace '{table}'" if table else "Error: Missing namespace"
            )
            return 255
        if verb == "list":
            for key, value in self.table(table):
                call.print(f"{key}={value}")
        elif verb == "get" and len(words) == 1:
            call.print(self._values[table].get(words[0], "null"))
        elif verb == "put" and len(words) >= 2:
            self.put(table, words[0], words[1])
        elif verb == "delete" and len(words) == 1:
            count = int(words[0] in self._values[table])
            self.put(table, words[0], None)
            call.print(f"Deleted {count} rows")
        elif verb != "reset" or not words:
            call.error("Error: Bad arguments")
            return 255
        return 0
