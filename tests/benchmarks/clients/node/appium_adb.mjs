// appium-adb: what Appium's Android drivers do with a phone.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADB } from "appium-adb";
import { APK, HERE, PACKAGE, SCRATCH, SERIAL, SERVER_PORT, assert, run } from "./calls.mjs";

// an adb server that others may use is never killed
const adb = await ADB.createADB({ adbPort: SERVER_PORT, suppressKillServer: true, udid: SERIAL });
adb.setDeviceId(SERIAL);
const local = join(SCRATCH, "appium.bin");
writeFileSync(local, Buffer.alloc(100_000, "x"));

await run({
  getVersion: async () => assert.ok((await adb.getVersion()).binary.version),
  getConnectedDevices: async () => assert.deepEqual((await adb.getConnectedDevices()).map((d) => [d.udid, d.state]), [[SERIAL, "device"]]),
  isDeviceConnected: async () => assert.equal(await adb.isDeviceConnected(), true),
  waitForDevice: async () => adb.waitForDevice(10),
  ping: async () => assert.equal(await adb.ping(), true),
  getApiLevel: async () => assert.equal(await adb.getApiLevel(), 33),
  getPlatformVersion: async () => assert.equal(await adb.getPlatformVersion(), "13"),
  getModel: async () => assert.equal(await adb.getModel(), "Pixel 4"),
  getManufacturer: async () => assert.equal(await adb.getManufacturer(), "Google"),
  getDeviceProperty: async () => assert.ok(await adb.getDeviceProperty("ro.build.fingerprint")),
  getDeviceLanguage: async () => assert.equal(await adb.getDeviceLanguage(), "en"),
  getDeviceLocale: async () => assert.ok((await adb.getDeviceLocale()).startsWith("en")),
  getScreenSize: async () => assert.match(await adb.getScreenSize(), /^\d+x\d+$/),
  getScreenDensity: async () => assert.ok((await adb.getScreenDensity()) > 100),
  getTimeZone: async () => assert.ok(await adb.getTimeZone()),
  getLocationProviders: async () => assert.ok(Array.isArray(await adb.getLocationProviders())),
  listFeatures: async () => assert.ok((await adb.listFeatures()).includes("shell_v2")),
  isStreamedInstallSupported: async () => assert.equal(await adb.isStreamedInstallSupported(), true),
  isIncrementalInstallSupported: async () => assert.equal(typeof (await adb.isIncrementalInstallSupported()), "boolean"),
  shell: async () => assert.equal(await adb.shell(["echo", "hello"]), "hello"),
  shellError: async () => assert.rejects(async () => adb.shell(["ls", "/nothing"]), /No such file/),
  push: async () => adb.push(local, `${HERE}/appium/deep/file`),
  fileExists: async () => assert.deepEqual([await adb.fileExists(`${HERE}/appium/deep/file`), await adb.fileExists("/nothing")], [true, false]),
  fileSize: async () => assert.equal(await adb.fileSize(`${HERE}/appium/deep/file`), 100_000),
  ls: async () => assert.deepEqual(await adb.ls(`${HERE}/appium/deep`), ["file"]),
  pull: async () => {
    await adb.pull(`${HERE}/appium/deep/file`, `${local}.back`);
    assert.deepEqual(readFileSync(`${local}.back`), readFileSync(local));
  },
  mkdir: async () => adb.mkdir(`${HERE}/appium/made`),
  rimraf: async () => {
    await adb.rimraf(`${HERE}/appium`);
    assert.equal(await adb.fileExists(`${HERE}/appium`), false);
  },
  install: async () => adb.install(APK),
  isAppInstalled: async () => assert.equal(await adb.isAppInstalled(PACKAGE), true),
  getPackageInfo: async () => {
    const info = await adb.getPackageInfo(PACKAGE);
    assert.deepEqual([info.versionCode, info.versionName, info.isInstalled], [1, "1.5", true]);
  },
  listInstalledPackages: async () => assert.ok((await adb.listInstalledPackages()).some((row) => row.appPackage === PACKAGE)),
  getApplicationInstallState: async () => assert.equal(await adb.getApplicationInstallState(APK, PACKAGE), "sameVersionInstalled"),
  installOrUpgrade: async () => adb.installOrUpgrade(APK, PACKAGE),
  grantAllPermissions: async () => adb.grantAllPermissions(PACKAGE),
  getReqPermissions: async () => assert.ok(Array.isArray(await adb.getReqPermissions(PACKAGE))),
  getGrantedPermissions: async () => assert.ok(Array.isArray(await adb.getGrantedPermissions(PACKAGE))),
  pullApk: async () => assert.deepEqual(readFileSync(await adb.pullApk(PACKAGE, SCRATCH)), readFileSync(APK)),
  clear: async () => adb.clear(PACKAGE),
  stopAndClear: async () => adb.stopAndClear(PACKAGE),
  forceStop: async () => adb.forceStop(PACKAGE),
  isAppRunning: async () => assert.equal(await adb.isAppRunning(PACKAGE), false),
  uninstallApk: async () => {
    assert.equal(await adb.uninstallApk(PACKAGE), true);
    assert.equal(await adb.isAppInstalled(PACKAGE), false);
  },
  cacheApk: async () => assert.ok((await adb.cacheApk(APK)).endsWith(".apk")),
  installFromDevicePath: async () => {
    await adb.push(APK, `${HERE}/from.apk`);
    await adb.installFromDevicePath(`${HERE}/from.apk`);
    await adb.uninstallApk(PACKAGE);
  },
  goToHome: async () => adb.goToHome(),
  getScreenOrientation: async () => assert.equal(await adb.getScreenOrientation(), 0),
  back: async () => adb.back(),
  keyevent: async () => adb.keyevent(24),
  inputText: async () => adb.inputText("hello there"),
  getFocusedPackageAndActivity: async () => {
    await adb.goToHome();
    assert.ok((await adb.getFocusedPackageAndActivity()).appPackage);
  },
  resolveLaunchableActivity: async () => assert.ok(await adb.resolveLaunchableActivity("com.android.settings")),
  startApp: async () => {
    await adb.startApp({ pkg: "com.android.settings", activity: ".Settings", waitDuration: 10_000 });
    assert.equal((await adb.getFocusedPackageAndActivity()).appPackage, "com.android.settings");
  },
  activateApp: async () => adb.activateApp("com.android.settings"),
  waitForActivity: async () => adb.waitForActivity("com.android.settings", "*", 10_000),
  startUri: async () => adb.startUri("https://example.org", null, { waitForLaunch: true }),
  broadcast: async () => adb.broadcast("org.example.NOTHING"),
  dumpWindows: async () => assert.ok((await adb.dumpWindows()).length > 0),
  isSoftKeyboardPresent: async () => assert.equal((await adb.isSoftKeyboardPresent()).isKeyboardShown, false),
  hideKeyboard: async () => assert.equal(typeof (await adb.hideKeyboard()), "boolean"),
  availableIMEs: async () => assert.ok((await adb.availableIMEs()).length > 0),
  enabledIMEs: async () => assert.ok((await adb.enabledIMEs()).length > 0),
  defaultIME: async () => assert.ok(await adb.defaultIME()),
  isScreenLocked: async () => assert.equal(typeof (await adb.isScreenLocked()), "boolean"),
  lock: async () => { await adb.lock(); assert.equal(await adb.isScreenLocked(), true); },
  dismissKeyguard: async () => { await adb.cycleWakeUp(); await adb.dismissKeyguard(); },
  isLockManagementSupported: async () => assert.equal(typeof (await adb.isLockManagementSupported()), "boolean"),
  isLockEnabled: async () => assert.equal(await adb.isLockEnabled(), false),
  isAirplaneModeOn: async () => assert.equal(await adb.isAirplaneModeOn(), false),
  setAirplaneMode: async () => {
    await adb.setAirplaneMode(true);
    assert.equal(await adb.isAirplaneModeOn(), true);
    await adb.setAirplaneMode(false);
  },
  isWifiOn: async () => assert.equal(await adb.isWifiOn(), true),
  setWifiState: async () => {
    await adb.setWifiState(false);
    assert.equal(await adb.isWifiOn(), false);
    await adb.setWifiState(true);
  },
  isDataOn: async () => assert.equal(typeof (await adb.isDataOn()), "boolean"),
  setDataState: async () => {
    await adb.setDataState(false);
    assert.equal(await adb.isDataOn(), false);
    await adb.setDataState(true);
  },
  isAnimationOn: async () => assert.equal(typeof (await adb.isAnimationOn()), "boolean"),
  setAnimationScale: async () => { await adb.setAnimationScale("0.0"); assert.equal(await adb.isAnimationOn(), false); },
  setSetting: async () => {
    await adb.setSetting("system", "screen_off_timeout", 60_000);
    assert.equal(await adb.getSetting("system", "screen_off_timeout"), "60000");
  },
  getProcessIdsByName: async () => assert.ok((await adb.getProcessIdsByName("system_server")).length > 0),
  listProcessStatus: async () => assert.match(await adb.listProcessStatus(), /system_server/),
  getProcessNameById: async () => {
    const [pid] = await adb.getProcessIdsByName("system_server");
    assert.equal(await adb.getProcessNameById(pid), "system_server");
  },
  processExists: async () => assert.equal(await adb.processExists("system_server"), true),
  forwardPort: async () => {
    await adb.forwardPort(31337, 31338);
    assert.ok((await adb.getForwardList()).some((line) => line.includes("tcp:31337")));
    await adb.removePortForward(31337);
  },
  reversePort: async () => {
    await adb.reversePort(31339, 31340);
    assert.ok((await adb.getReverseList()).some((line) => line.includes("tcp:31339")));
    await adb.removePortReverse(31339);
  },
  listPorts: async () => assert.ok(Array.isArray(await adb.listPorts())),
  logcat: async () => {
    await adb.startLogcat();
    await adb.shell(["log", "-t", "FromTest", "seen by appium"]);
    for (let tries = 0; tries < 100; tries += 1) {
      if (adb.getLogcatLogs().some((row) => row.message.includes("seen by appium"))) break;
      await new Promise((done) => setTimeout(done, 100));
      assert.ok(tries < 99, "not in the log");
    }
    await adb.stopLogcat();
  },
  takeScreenshot: async () => assert.equal((await adb.takeScreenshot()).subarray(1, 4).toString(), "PNG"),
  bugreport: async () => assert.match(await adb.bugreport(), /bugreport/),
  isRoot: async () => assert.equal(await adb.isRoot(), false),
  rootOfAUserBuild: async () => assert.equal((await adb.root()).wasAlreadyRooted, false),
  getApkInfo: async () => adb.getApkInfo(APK).then((info) => assert.equal(info.name, PACKAGE)),
  // it restarts Android by "stop" and "start", which a user build refuses
  rebootOfAUserBuild: async () => assert.rejects(async () => adb.reboot(5), /must be root/i),
}, {
  screenrecord: "no picture on a virtual phone",
  installApks: "bundletool is not in a package registry",
  sendSMS: "an emulator's console",
});
