"""The phone's radio as a lab tool sees it: airplane mode, Wi-Fi, ``ifconfig``, ``ip``.

A switch and words: the phone's processes use the host's loopback whatever it says, and the ADB
cable isn't a radio.
"""

from __future__ import annotations

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

# 192.0.2.0/24 is for documentation (RFC 5737): the host's own address isn't the phone's.
_ADDRESS, _BROADCAST = "192.0.2.15", "192.0.2.255"
_AIRPLANE, _WIFI = "airplane_mode_on", "wifi_on"


class Network:
    """Airplane mode and Wi-Fi; both are settings, so that they last over a reboot.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._settings = system.get(Settings)

    @property
    def answers(self) -> Answers:
        """See `Service`."""
        return Answers(
            commands={"ifconfig": self.ifconfig, "ip": self.ip},
            cmd={"connectivity": self.connectivity, "wifi": self.service},
            dumps={"connectivity": self.dump_connectivity, "wifi": self.dump_wifi},
        )

    @property
    def airplane(self) -> bool:
        """Whether airplane mode is on."""
        return self._settings.get("global", _AIRPLANE) == "1"

    @property
    def wifi(self) -> bool:
        """Whether Wi-Fi is on and connected."""
        return not self.airplane and self._settings.get("global", _WIFI) != "0"

    def set_airplane(self, on: bool) -> None:
        """Switch airplane mode."""
        self._settings.put("global", _AIRPLANE, str(int(on)))

    def set_wifi(self, on: bool) -> None:
        """Switch Wi-Fi."""
        self._settings.put("global", _WIFI, str(int(on)))

    def connectivity(self, call: Call, words: list[str]) -> int:
        """Carry out ``cmd connectivity airplane-mode [enable|disable]``."""
        if words[:1] != ["airplane-mode"]:
            call.error("Unknown command: " + " ".join(words[:1]))
            return 255
        if words[1:] in (["enable"], ["disable"]):
            self.set_airplane(words[1] == "enable")
        else:
            call.print("enabled" if self.airplane else "disabled")
        return 0

    def service(self, call: Call, words: list[str]) -> int:
        """Carry out ``svc wifi|data enable|disable`` and ``cmd wifi set-wifi-enabled``."""
        del call
        if words[:1] in (["wifi"], ["set-wifi-enabled"]) and len(words) > 1:
            self.set_wifi(words[1] in ("enable", "enabled"))
        return 0

    def dump_wifi(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys wifi``."""
        del args
        call.print(f"Wi-Fi is {'enabled' if self.wifi else 'disabled'}")
        return 0

    def dump_connectivity(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys connectivity``."""
        del args
        call.print("Active default network: " + ("100" if self.wifi else "none"))
        return 0

    def ifconfig(self, call: Call) -> int:
        """Carry out ``ifconfig``."""
        name = call.args[0] if call.args else "wlan0"
        if name not in ("wlan0", "lo"):
            call.error(f"ifconfig: {name}: No such device")
            return 1
        call.print(f"{name}     Link encap:UNSPEC")
        if name == "lo":
            call.print(
                "          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING"
            )
        elif self.wifi:
            call.print(f"          inet addr:{_ADDRESS}  Bcast:{_BROADCAST}  Mask:255.255.255.0")
            call.print("          UP BROADCAST RUNNING")
        else:
            call.print("          BROADCAST MULTICAST")
        return 0

    def ip(self, call: Call) -> int:
        """Carry out ``ip addr`` and ``ip route``."""
        if {"route", "r"} & set(call.args):
            if self.wifi:
                call.print(f"192.0.2.0/24 dev wlan0 proto kernel scope link src {_ADDRESS}")
        elif self.wifi:
            call.print("30: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n"
                       f"    inet {_ADDRESS}/24 brd {_BROADCAST} scope global wlan0")  # fmt: skip
        else:
            call.print("30: wlan0: <BROADCAST,MULTICAST> mtu 1500 state DOWN")
        return 0
