// @devicefarmer/adbkit: the client of STF farms.
import { createRequire } from "node:module";
import { on, once } from "node:events";
import { createReadStream, readFileSync } from "node:fs";
import { APK, HERE, PACKAGE, SERIAL, SERVER_PORT, assert, bytesOf, run } from "./calls.mjs";

const { Adb } = createRequire(import.meta.url)("@devicefarmer/adbkit");
const client = Adb.createClient({ host: "127.0.0.1", port: SERVER_PORT });
const device = client.getDevice(SERIAL);
const said = async (command) => (await Adb.util.readAll(await device.shell(command))).toString();
const first = (emitter, event) => once(emitter, event).then(([value]) => value);

await run({
  version: async () => assert.ok((await client.version()) > 30),
  listDevices: async () => assert.deepEqual((await client.listDevices()).map((d) => [d.id, d.type]), [[SERIAL, "device"]]),
  listDevicesWithPaths: async () => assert.equal((await client.listDevicesWithPaths())[0].id, SERIAL),
  trackDevices: async () => {
    const tracker = await client.trackDevices();
    if (tracker.deviceList.length === 0) await first(tracker, "add");
    assert.equal(tracker.deviceList[0].id, SERIAL);
    tracker.end();
  },
  getSerialNo: async () => assert.ok(await device.getSerialNo()),
  getDevicePath: async () => assert.ok(await device.getDevicePath()),
  getState: async () => assert.equal(await device.getState(), "device"),
  getProperties: async () => assert.equal((await device.getProperties())["ro.product.model"], "Pixel 4"),
  getFeatures: async () => assert.ok(Object.keys(await device.getFeatures()).includes("android.hardware.touchscreen")),
  getPackages: async () => assert.ok((await device.getPackages()).includes("com.android.systemui")),
  getPackagesOfOthers: async () => assert.ok(!(await device.getPackages("-3")).includes("com.android.systemui")),
  // a property that phones after Android 5 do not have
  getDHCPIpAddress: async () => assert.rejects(async () => device.getDHCPIpAddress(), /Unable to find/),
  shell: async () => assert.equal(await said("echo hello"), "hello\n"),
  shellOfManyBytes: async () => assert.equal((await said("head -c 3000000 /dev/zero | tr '\\0' x")).length, 3_000_000),
  shellArguments: async () => assert.equal(await said(["echo", "a  b", "$HOME", "it's"]), "a  b $HOME it's\n"),
  push: async () => first(await device.push(createReadStream(APK), `${HERE}/adbkit`), "end"),
  stat: async () => {
    const stat = await device.stat(`${HERE}/adbkit`);
    assert.ok(stat.isFile());
    assert.equal(stat.size, readFileSync(APK).length);
  },
  statOfNothing: async () => assert.rejects(async () => device.stat(`${HERE}/nothing`), /ENOENT/),
  readdir: async () => assert.ok((await device.readdir(HERE)).some((e) => e.name === "adbkit" && e.isFile())),
  pull: async () => assert.deepEqual(await bytesOf(await device.pull(`${HERE}/adbkit`)), readFileSync(APK)),
  pullOfNothing: async () => assert.match(String(await first(await device.pull(`${HERE}/nothing`), "error")), /No such file/),
  syncTempFile: async () => {
    const sync = await device.syncService();
    assert.match(sync.tempFile("x.apk"), /^\/data\/local\/tmp\//);
    sync.end();
  },
  pushOfSystem: async () => assert.rejects(async () => first(await device.push(createReadStream(APK), "/system/bin/getprop"), "end")),
  install: async () => assert.equal(await device.install(APK), true),
  isInstalled: async () => assert.equal(await device.isInstalled(PACKAGE), true),
  clear: async () => assert.equal(await device.clear(PACKAGE), true),
  uninstall: async () => {
    assert.equal(await device.uninstall(PACKAGE), true);
    assert.equal(await device.isInstalled(PACKAGE), false);
  },
  installRemote: async () => {
    await first(await device.push(createReadStream(APK), `${HERE}/remote.apk`), "end");
    assert.equal(await device.installRemote(`${HERE}/remote.apk`), true);
    assert.equal(await device.uninstall(PACKAGE), true);
  },
  startActivity: async () =>
    assert.equal(await device.startActivity({ action: "android.intent.action.MAIN", category: "android.intent.category.HOME", wait: true }), true),
  startActivitySettings: async () => assert.equal(await device.startActivity({ action: "android.settings.SETTINGS", user: 0 }), true),
  startServiceOfNothing: async () => assert.rejects(async () => device.startService({ component: "org.example.none/.Service", user: 0 })),
  openLogcat: async () => {
    await said("log -t FromTest seen by adbkit");
    const logcat = await device.openLogcat({ clear: false });
    for await (const [entry] of on(logcat, "entry")) {
      if (entry.tag === "FromTest" && entry.message === "seen by adbkit") break;
    }
    logcat.end();
  },
  openProcStat: async () => {
    const stat = await device.openProcStat();
    assert.ok(Object.keys(await first(stat, "load")).length > 0);
    stat.end();
  },
  openLocalRefused: async () => assert.rejects(async () => device.openLocal("localabstract:nobody-here")),
  openTcpRefused: async () => assert.rejects(async () => device.openTcp(1)),
  forward: async () => {
    assert.equal(await device.forward("tcp:31337", "tcp:31338"), true);
    assert.ok((await device.listForwards()).some((f) => f.local === "tcp:31337" && f.remote === "tcp:31338"));
  },
  reverse: async () => {
    assert.equal(await device.reverse("tcp:31339", "tcp:31340"), true);
    assert.ok((await device.listReverses()).some((f) => f.remote === "tcp:31339" && f.local === "tcp:31340"));
  },
  screencap: async () => assert.equal((await bytesOf(await device.screencap())).subarray(1, 4).toString(), "PNG"),
  waitForDevice: async () => assert.equal(await device.waitForDevice(), SERIAL),
  waitBootComplete: async () => assert.equal(await device.waitBootComplete(), true),
  rootOfAUserBuild: async () => assert.rejects(async () => device.root(), /production builds/),
  reboot: async () => {
    assert.equal(await device.reboot(), true);
    await device.waitForDevice();
    await device.waitBootComplete();
    assert.equal(await said("echo back"), "back\n");
  },
  trackJdwp: async () => (await device.trackJdwp()).end(),
}, {
  framebuffer: "reads the head of Android 8 and older, without a colour space",
  openMonkey: "the monkey's network protocol needs a screen",
  tcpip: "a virtual phone is on TCP already",
});
