"""The phone's radio as a lab tool sees it: airplane mode, Wi-Fi, ``ifconfig``, ``ip``.

A switch and words: the phone's processes use the host's loopback whatever it says, and the ADB
cable isn't a radio.
"""

from __future__ import annotations

import hashlib
import ipaddress

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

# 192.0.2.0/24 is for documentation (RFC 5737): the host's own address isn't the phone's.
_NET = ipaddress.ip_network("192.0.2.0/24")
_ADDRESS, _BROADCAST, _GATEWAY = "192.0.2.15", "192.0.2.255", "192.0.2.1"
_AIRPLANE, _WIFI = "airplane_mode_on", "wifi_on"
_SSID = "vlab"
# Objects of ``ip`` as they may be cut short.
_OBJECTS = {"a": "addr", "l": "link", "n": "neigh", "r": "route", "ru": "rule"}
_FAILED = 255


class Network:
    """Airplane mode and Wi-Fi; both are settings, so that they last over a reboot.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._settings = system.get(Settings)
        serial = hashlib.sha256(system.root.spec.serial.encode()).hexdigest()
        # locally administered, and the phone's own
        self._mac = ":".join(["02", *(serial[at : at + 2] for at in range(0, 10, 2))])
        self.answers = Answers(
            commands={"ifconfig": self.ifconfig, "ip": self.ip},
            cmd={"connectivity": self.connectivity, "wifi": self.wifi_command},
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
            return call.unknown(*words[:1])
        if words[1:] in (["enable"], ["disable"]):
            self.set_airplane(words[1] == "enable")
        else:
            call.print("enabled" if self.airplane else "disabled")
        return 0

    def wifi_command(self, call: Call, words: list[str]) -> int:
        """Carry out ``cmd wifi``. Source: AOSP ``WifiShellCommand``."""
        verb = words[0] if words else ""
        if verb == "set-wifi-enabled" and words[1:2] in (["enabled"], ["disabled"]):
            self.set_wifi(words[1] == "enabled")
        elif verb == "status":
            call.print(f"Wifi is {'enabled' if self.wifi else 'disabled'}")
            if self.wifi:
                call.print(f"Wifi scanning is only available when wifi is enabled\n"
                           f"==== Primary ClientModeManager instance ====\n"
                           f"Wifi is connected to \"{_SSID}\"\n{self._info()}")  # fmt: skip
        elif verb in ("list-networks", "list-scan-results"):
            call.print(f"Network Id      SSID                         Security type\n"
                       f"0            {_SSID}                             wpa2-psk"
                       if self.wifi else "No networks")  # fmt: skip
        elif verb in ("connect-network", "start-scan", "force-country-code", "forget-network"):
            pass
        else:
            return call.unknown(verb)
        return 0

    def _info(self) -> str:
        return (f"WifiInfo: SSID: \"{_SSID}\", BSSID: 02:00:00:00:00:00, MAC: {self._mac}, "
                f"IP: /{_ADDRESS}, Security type: 2, Supplicant state: COMPLETED, Wi-Fi standard: "
                "5, RSSI: -50, Link speed: 433Mbps, Frequency: 5180MHz, Net ID: 0")  # fmt: skip

    def service(self, call: Call, words: list[str]) -> int:
        """Carry out ``svc wifi|data|usb|nfc|bluetooth``; only Wi-Fi and data are settings."""
        kind, verb = [*words, "", ""][:2]
        switched = {"wifi": _WIFI, "data": "mobile_data", "bluetooth": "bluetooth_on",
                    "nfc": "nfc_on"}  # fmt: skip
        if kind in switched and verb in ("enable", "disable"):
            self._settings.put("global", switched[kind], str(int(verb == "enable")))
        elif (kind, verb) == ("usb", "getFunctions"):
            call.print("adb")
        elif kind == "usb" and verb in ("setFunctions", "setScreenUnlockedFunctions",
                                        "resetUsbGadget", "resetUsbPort"):  # fmt: skip
            pass
        else:
            call.error(f"usage: svc {kind} [enable|disable]" if kind in switched else
                       f"Unknown command: svc {kind} {verb}".rstrip())  # fmt: skip
            return _FAILED
        return 0

    def dump_wifi(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys wifi``."""
        del args
        state = "CONNECTED" if self.wifi else "DISCONNECTED"
        call.print(f"Wi-Fi is {'enabled' if self.wifi else 'disabled'}\n"
                   f"Stay-awake conditions: 0\nmInIdleMode false\n"
                   f"mWifiInfo {self._info() if self.wifi else 'SSID: <unknown ssid>'}\n"
                   f"mNetworkInfo [type: WIFI[], state: {state}/{state}]")  # fmt: skip
        return 0

    def dump_connectivity(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys connectivity``."""
        del args
        call.print("Active default network: " + ("100" if self.wifi else "none"))
        if self.wifi:
            call.print("\nCurrent Networks:\n  NetworkAgentInfo{network{100}  ni{WIFI CONNECTED "
                       "extra: } lp{{InterfaceName: wlan0 LinkAddresses: "
                       f"[ {_ADDRESS}/24 ] DnsAddresses: [ /{_GATEWAY} ]}}}} "
                       "nc{[ Transports: WIFI Capabilities: "
                       "NOT_METERED&INTERNET&VALIDATED]}}")  # fmt: skip
        return 0

    def ifconfig(self, call: Call) -> int:
        """Carry out ``ifconfig``; it shows what is up, and with ``-a`` or by name all."""
        names = [arg for arg in call.args if not arg.startswith("-")]
        name = names[0] if names else ""
        if name and name not in ("wlan0", "lo"):
            call.error(f"ifconfig: {name}: No such device")
            return 1
        if len(names) > 1:
            call.error("ifconfig: ioctl 8914: Operation not permitted")
            return 1
        if name == "lo" or not name:
            call.print("lo        Link encap:Local Loopback  \n"
                       "          inet addr:127.0.0.1  Mask:255.0.0.0 \n"
                       "          inet6 addr: ::1/128 Scope: Host\n"
                       "          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n")  # fmt: skip
        if name == "wlan0" or (not name and (self.wifi or "-a" in call.args)):
            call.print(f"wlan0     Link encap:Ethernet  HWaddr {self._mac}")
            if self.wifi:
                call.print(f"          inet addr:{_ADDRESS}  Bcast:{_BROADCAST}  "
                           "Mask:255.255.255.0 \n          UP BROADCAST RUNNING MULTICAST  "
                           "MTU:1500  Metric:1\n")  # fmt: skip
            else:
                call.print("          BROADCAST MULTICAST  MTU:1500  Metric:1\n")
        return 0

    def ip(self, call: Call) -> int:
        """Carry out ``ip addr|link|route|rule|neigh`` as far as it shows something."""
        families = {"-4": "inet", "-6": "inet6", "-f": ""}
        words: list[str] = []
        family = ""
        left = list(call.args)
        while left:
            arg = left.pop(0)
            if arg in families:
                family = families[arg] or (left.pop(0) if left else "")
            elif not arg.startswith("-"):
                words.append(arg)
        if not words:
            call.error("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n"
                       "where  OBJECT := { link | address | route | rule | neigh }")  # fmt: skip
            return 1
        name = _OBJECTS.get(words[0]) or next(
            (each for each in ("address", "link", "route", "rule", "neighbour")
             if each.startswith(words[0])), "")  # fmt: skip
        what = name[:4] if name.startswith("addr") else name[:5].removesuffix("bour")
        rest = [word for word in words[1:] if word not in ("show", "list", "ls", "dev", "sh", "s")]
        if what in ("addr", "link"):
            return self._interfaces(call, rest, what == "addr", family)
        if what == "route":
            return self._routes(call, rest)
        if what == "rule":
            call.print("0:\tfrom all lookup local\n32000:\tfrom all lookup main")
        elif what == "neigh":
            if self.wifi:
                call.print(f"{_GATEWAY} dev wlan0 lladdr 02:00:00:00:00:01 REACHABLE")
        else:
            call.error(f'Object "{words[0]}" is unknown, try "ip help".')
            return 1
        return 0

    def _interfaces(self, call: Call, rest: list[str], addresses: bool, family: str) -> int:
        if rest and rest[0] in ("set", "add", "del", "flush"):
            call.error("RTNETLINK answers: Operation not permitted")
            return 2
        names = [word for word in rest if word not in ("up", "scope", "global")]
        if names and names[0] not in ("lo", "wlan0"):
            call.error(f'Device "{names[0]}" does not exist.')
            return 1
        if (not names or names[0] == "lo") and "global" not in rest:
            call.print("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN "
                       "group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd "
                       "00:00:00:00:00:00")  # fmt: skip
            if addresses and family != "inet6":
                call.print("    inet 127.0.0.1/8 scope host lo\n"
                           "       valid_lft forever preferred_lft forever")  # fmt: skip
            if addresses and family != "inet":
                call.print("    inet6 ::1/128 scope host \n"
                           "       valid_lft forever preferred_lft forever")  # fmt: skip
        if not names or names[0] == "wlan0":
            up = self.wifi
            call.print(f"30: wlan0: <BROADCAST,MULTICAST{',UP,LOWER_UP' if up else ''}> mtu 1500 "
                       f"qdisc mq state {'UP' if up else 'DOWN'} group default qlen 3000\n"
                       f"    link/ether {self._mac} brd ff:ff:ff:ff:ff:ff")  # fmt: skip
            if addresses and up and family != "inet6":
                call.print(f"    inet {_ADDRESS}/24 brd {_BROADCAST} scope global wlan0\n"
                           "       valid_lft forever preferred_lft forever")  # fmt: skip
        return 0

    def _routes(self, call: Call, rest: list[str]) -> int:
        if rest[:1] == ["get"] and len(rest) > 1:
            try:
                address = ipaddress.ip_address(rest[1])
            except ValueError:
                call.error(f'Error: inet prefix is expected rather than "{rest[1]}".')
                return 1
            if not self.wifi:
                call.error("RTNETLINK answers: Network is unreachable")
                return 2
            via = "" if address in _NET else f"via {_GATEWAY} "
            call.print(f"{address} {via}dev wlan0 table 1030 src {_ADDRESS} uid 2000 \n    cache ")
        elif rest[:1] and rest[0] in ("add", "del", "flush", "replace"):
            call.error("RTNETLINK answers: Operation not permitted")
            return 2
        elif self.wifi:
            call.print(f"192.0.2.0/24 dev wlan0 proto kernel scope link src {_ADDRESS} ")
        return 0
