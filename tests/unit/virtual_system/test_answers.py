"""What a phone's commands say: the words that clients of others look for."""

import re

import pytest

from tests.unit.virtual_system.conftest import Ask


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dumpsys window policy", r"mDreamingLockscreen=false(?s:.*)showing=false"
                                  r"(?s:.*)screenState=SCREEN_STATE_ON"),
        ("dumpsys window p", r"WINDOW MANAGER POLICY STATE"),
        ("dumpsys window displays", r"init=1080x2400 420dpi cur=1080x2400 app="),
        ("dumpsys window d", r"mCurrentFocus=Window\{\w+ u0 com\.android\.launcher3/\S+\}"),
        ("dumpsys window", r"mFocusedWindow=Window\{\S+ \S+ com\.android\.launcher3/\S+\}"),
        ("dumpsys window windows", r"mFocusedApp=ActivityRecord\{\w+ u0 \S+ t\d+\}"),
        ("dumpsys window tokens", r"WINDOW MANAGER TOKENS"),
        ("dumpsys window", r"POLICY STATE(?s:.*)DISPLAY CONTENTS(?s:.*)MANAGER WINDOWS"),
        ("dumpsys window nonsense", r"Bad window command, or no windows match: nonsense"),
        ("dumpsys activity top", r"  ACTIVITY com\.android\.launcher3/\.Launcher \w+ pid="),
        ("dumpsys activity recents", r"\* Recent #0: Task\{\w+ #1 type=home "),
        ("dumpsys activity r", r"ACTIVITY MANAGER RECENT TASKS"),
        ("dumpsys activity activities", r"topResumedActivity=ActivityRecord\{"),
        ("dumpsys activity services", r"ACTIVITY MANAGER SERVICES(?s:.*)\(nothing\)"),
        ("dumpsys activity providers", r"ACTIVITY MANAGER CONTENT PROVIDERS"),
        ("dumpsys activity oom", r"Process OOM control"),
        ("dumpsys activity lastanr", r"<no ANR has occurred since boot>"),
        ("dumpsys activity", r"RECENT TASKS(?s:.*)MANAGER ACTIVITIES(?s:.*)RUNNING PROCESSES"),
        ("dumpsys activity -h", r"Activity manager dump options"),
        ("dumpsys activity nonsense", r"Bad activity command, or no activities match: nonsense"),
        ("dumpsys display", r"orientation=0, logicalFrame=Rect\(0, 0 - 1080, 2400\)"),
        ("dumpsys input", r"SurfaceOrientation: 0"),
        ("dumpsys input_method", r"mInputShown=false"),
        ("dumpsys SurfaceFlinger --list", r"com\.android\.launcher3/\S+Launcher#"),
        ("dumpsys SurfaceFlinger --latency any", r"^16666666\n(0\t0\t0\n){127}$"),
        ("dumpsys SurfaceFlinger --display-id", r"^Display \d+ \(HWC display 0\)"),
        ("dumpsys gfxinfo org.absent", r"No process found for: org\.absent"),
        ("dumpsys batterystats", r"Estimated battery capacity: 4000 mAh"),
        ("dumpsys batterystats --reset", r"^Battery stats reset\.$"),
        ("dumpsys package com.android.settings",
         r"com\.android\.settings/\.Settings filter(?s:.*)versionCode=33 (?s:.*)User 0: "),
        ("dumpsys package features", r"android\.hardware\.wifi"),
        ("dumpsys --pid activity", r"^1021$"),
        ("dumpsys --help", r"^usage: dumpsys"),
        ("dumpsys sensorservice", r"^$"),
        ("dumpsys", r"DUMP OF SERVICE activity:(?s:.*)DUMP OF SERVICE window:"),
        ("dumpsys telephony.registry", r"mServiceState="),
        ("dumpsys location", r"Location Setting: false"),
        ("dumpsys diskstats", r"Data-Free: \d+K / \d+K total"),
        ("service list", r"package: \[android\.content\.pm\.IPackageManager\]"),
        ("service check window", r"^Service window: found$"),
        ("service check nonsense", r"^Service nonsense: not found$"),
        ("cmd -l", r"  activity\n"),
        ("cmd sensorservice list", r"^No shell command implementation\.$"),
        ("pm path com.android.settings", r"^package:/system/priv-app/Settings/Settings\.apk$"),
        ("pm list packages -f -U -s settings",
         r"^package:/system/priv-app/Settings/Settings.apk=com.android.settings uid:1000$"),
        ("pm list packages -3", r"^package:org\.mobileasr\.trainer$"),
        ("pm list packages --uid 10045", r"^package:com\.android\.browser uid:10045$"),
        ("pm list features", r"^feature:android\.hardware\."),
        ("pm list users", r"UserInfo\{0:Owner:c13\} running"),
        ("pm list permission-groups", r"^permission group:"),
        ("pm dump com.android.settings", r"^DUMP OF SERVICE package:"),
        ("pm get-install-location", r"^0\[auto\]$"),
        ("pm has-feature android.hardware.wifi", r"^true$"),
        ("cmd package resolve-activity --brief com.android.settings",
         r"^priority=0 .*\ncom\.android\.settings/\.Settings$"),
        ("cmd package resolve-activity -a android.intent.action.MAIN "
         "-c android.intent.category.HOME", r"name=com\.android\.launcher3\.Launcher"),
        ("cmd package query-activities --brief -a android.intent.action.MAIN "
         "-c android.intent.category.LAUNCHER", r"^2 activities found:"),
        ("cmd package resolve-activity --brief org.absent", r"^No activity found$"),
        ("wm size", r"^Physical size: 1080x2400$"),
        ("cmd window density", r"^Physical density: 420$"),
        ("wm user-rotation", r"^lock 0$"),
        ("settings list secure", r"^android_id=(?s:.*)location_mode=0$"),
        ("settings get SECURE location_mode", r"^0$"),
        ("content query --uri content://settings/secure --where 'name=\"location_mode\"'",
         r"^Row: 0 _id=\d+, name=location_mode, value=0, is_preserved_in_restore=NULL$"),
        ("content query --uri content://settings/secure/location_mode --projection value",
         r"^Row: 0 value=0$"),
        ("content query --uri content://sms/inbox", r"^No result found\.$"),
        ("am stack list", r"RootTask id=1 (?s:.*)com\.android\.launcher3"),
        ("am to-uri -a x -n a.b/.C", r"^intent:#Intent;action=x;component=a\.b/\.C;end$"),
        ("ip addr show wlan0", r"inet 192\.0\.2\.15/24 (?s:.*)valid_lft"),
        ("ip -4 a s dev lo", r"inet 127\.0\.0\.1/8"),
        ("ip route get 1.2.3.4", r"^1\.2\.3\.4 via 192\.0\.2\.1 dev wlan0 .* src 192\.0\.2\.15"),
        ("ifconfig", r"lo  (?s:.*)wlan0 .*HWaddr 02:"),
        ("cmd wifi status", r"^Wifi is enabled"),
        ("svc usb getFunctions", r"^adb$"),
        ("ime list -s", r"^com\.android\.inputmethod\.latin/\.LatinIME$"),
        ("cmd battery get level", r"^80$"),
        ("cmd uimode night", r"^Night mode: no$"),
        ("cmd location is-location-enabled", r"^false$"),
        ("cmd lock_settings get-disabled", r"^true$"),
        ("locksettings get-disabled", r"^true$"),
        ("getevent -p", r"ABS \(0003\): 0035  : value 0, min 0, max 1079"),
        ("bugreportz -h", r"^usage: bugreportz"),
        ("sm has-adoptable", r"^false$"),
        ("ping -c 1 localhost", r"1 received, 0% packet loss"),
    ],
)  # fmt: skip
def test_an_answer(ask_only: Ask, command: str, expected: str) -> None:
    answer = ask_only(command)
    assert answer.code == 0, answer
    assert re.search(expected, answer.output, re.MULTILINE), answer.output


@pytest.mark.parametrize(
    ("command", "code", "expected"),
    [
        ("am", 255, "Activity manager"),
        ("am nonsense", 255, "Unknown command: nonsense"),
        ("am force-stop", 255, "expected package name"),
        ("am instrument -w a.b/.C", 1, "INSTRUMENTATION_FAILED: a.b/.C"),
        ("am start -n com.android.settings/.Absent", 1, "does not exist"),
        ("am start -n org.absent/.Main", 1, "Error type 3"),
        ("am start -a no.such.ACTION", 1, "unable to resolve Intent"),
        ("monkey", 255, "usage: monkey"),
        ("monkey -p org.absent 1", 252, "No activities found to run, monkey aborted"),
        ("monkey -p com.android.settings", 255, "Count not specified"),
        ("pm", 255, "Package manager"),
        ("pm path org.absent", 1, ""),
        ("pm list packages -q", 255, "Unknown option: -q"),
        ("pm disable com.android.browser", 255, "SecurityException"),
        ("pm grant org.mobileasr.trainer android.permission.CAMERA", 255, "has not requested"),
        ("pm grant org.mobileasr.trainer android.permission.WAKE_LOCK", 255, "not a changeable"),
        ("pm has-feature nonsense", 1, "false"),
        ("cmd nonsense list", 20, "Can't find service: nonsense"),
        ("cmd power nonsense", 255, "Unknown command: nonsense"),
        ("settings", 255, "Settings provider"),
        ("settings nonsense global a", 255, "Unknown command: nonsense"),
        ("settings get nowhere a", 255, "Invalid namespace"),
        ("wm size 12", 255, "bad size 12"),
        ("wm density 12", 255, "must be >= 72"),
        ("wm nonsense", 255, "Unknown command: nonsense"),
        ("input", 255, "Usage: input"),
        ("input nonsense", 255, "Unknown command: nonsense"),
        ("input tap 1", 255, "Invalid arguments for command: tap"),
        ("input tap a b", 255, "NumberFormatException"),
        ("svc", 255, "Available commands"),
        ("svc wifi", 255, "usage: svc wifi"),
        ("content", 255, "usage: adb shell content"),
        ("content query", 1, "URI not specified"),
        ("content query --uri content://nonsense", 1, "Could not find provider: nonsense"),
        ("content query --uri content://settings/secure --where nonsense", 1, "SQLiteException"),
        ("content query --uri content://settings/secure --projection x", 1, "Invalid column x"),
        ("ime set nonsense", 255, "cannot be selected"),
        ("ip link set wlan0 down", 2, "Operation not permitted"),
        ("ip nonsense", 1, 'Object "nonsense" is unknown'),
        ("ip addr show eth0", 1, 'Device "eth0" does not exist'),
        ("ifconfig eth0", 1, "No such device"),
        ("ping no.such.host", 2, "unknown host"),
        ("dmesg", 1, "Permission denied"),
        ("reboot -h", 1, "usage: reboot"),
        ("uiautomator runtest x", 1, "no ART"),
        ("uiautomator dump /system/x.xml", 1, "Read-only file system"),
        ("screencap -p /data/x.png", 1, "Permission denied"),
        ("screencap -p /proc/x.png", 1, "Permission denied"),
    ],
)
def test_a_refusal(ask_only: Ask, command: str, code: int, expected: str) -> None:
    answer = ask_only(command)
    assert answer.code == code, answer
    assert expected in answer.output + answer.errors


def test_what_is_set_is_shown(ask: Ask) -> None:
    ask("wm size 720x1280")
    assert ask("wm size").output == "Physical size: 1080x2400\nOverride size: 720x1280\n"
    assert "cur=720x1280" in ask("dumpsys window displays").output
    ask("settings put system user_rotation 1")
    assert "cur=1280x720" in ask("dumpsys window displays").output
    assert "SurfaceOrientation: 1" in ask("dumpsys input").output
    ask("wm size reset")
    assert ask("wm size").output == "Physical size: 1080x2400\n"
    ask("input keyevent 26")
    assert "SCREEN_STATE_OFF" in ask("dumpsys window policy").output
    assert "mScreenState=OFF" in ask("dumpsys display").output
    ask("cmd display set-brightness 0.5")
    assert ask("settings get system screen_brightness").output == "128\n"
    ask("content insert --uri content://settings/system --bind name:s:a --bind value:i:7")
    assert ask("settings get system a").output == "7\n"
    ask("content delete --uri content://settings/system --where \"name='a'\"")
    assert ask("settings get system a").output == "null\n"
    ask("svc wifi disable")
    assert ask("cmd wifi status").output == "Wifi is disabled\n"
    assert "inet" not in ask("ip addr show wlan0").output
    ask("pm disable-user com.android.browser")
    assert ask("pm list packages -d").output == "package:com.android.browser\n"
    assert ask("am start -n com.android.browser/.BrowserActivity").code == 1
    ask("pm enable com.android.browser")
    assert ask("pm list packages -d").output == ""
    ask("pm grant org.mobileasr.trainer android.permission.POST_NOTIFICATIONS")
    assert "POST_NOTIFICATIONS: granted=true" in ask("dumpsys package org.mobileasr.trainer").output


def test_a_bug_report_holds_logs_properties_and_all_services(ask: Ask) -> None:
    ask("log -t Apple 'red fruit'")
    text = ask("bugreport").output
    assert text.startswith("=" * 56 + "\n== dumpstate: ")
    for part in ("I Apple   : red fruit", "------ SYSTEM PROPERTIES", "DUMP OF SERVICE battery:",
                 "== dumpstate: done"):  # fmt: skip
        assert part in text
    assert re.fullmatch(r"OK:/data/\S+/bugreport-\S+\.zip\n", ask("bugreportz").output)
    progress = ask("bugreportz -p").output
    assert re.fullmatch(r"BEGIN:\S+\.zip\nPROGRESS:\d+/\d+\nOK:\S+\.zip\n", progress)
