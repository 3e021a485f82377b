// @yume-chan/adb (ya-webadb): through an adb server, and speaking to adbd itself.
import net from "node:net";
import { generateKeyPairSync } from "node:crypto";
import { Adb, AdbDaemonTransport, AdbPacket, AdbServerClient, AdbPacketSerializeStream, encodeUtf8 } from "@yume-chan/adb";
import { AdbServerNodeTcpConnector } from "@yume-chan/adb-server-node-tcp";
import * as streams from "@yume-chan/stream-extra";
import { HERE, PHONE_PORT, SERIAL, SERVER_PORT, assert, run } from "./calls.mjs";

const { ReadableStream, StructDeserializeStream, WritableStream } = streams;
const server = new AdbServerClient(new AdbServerNodeTcpConnector({ host: "127.0.0.1", port: SERVER_PORT }));

const collected = async (readable) => {
  const parts = [];
  for (const reader = readable.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    parts.push(Buffer.from(value));
  }
};
const streamOf = (data) => new ReadableStream({
  start(controller) {
    for (let at = 0; at < data.length; at += 65536) controller.enqueue(data.subarray(at, at + 65536));
    controller.close();
  },
});
const body = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 251));

// A connection of our own to adbd, as WebUSB gives it in a browser.
const daemonConnection = async () => {
  const socket = net.connect(PHONE_PORT, "127.0.0.1");
  await new Promise((done, failed) => socket.once("connect", done).once("error", failed));
  const bytes = new ReadableStream({
    start(controller) {
      socket.on("data", (data) => controller.enqueue(new Uint8Array(data)));
      socket.on("close", () => { try { controller.close(); } catch { /* closed already */ } });
      socket.on("error", () => {});
    },
    cancel: () => { socket.destroy(); },
  });
  const serializer = new AdbPacketSerializeStream();
  serializer.readable.pipeTo(new WritableStream({
    write: (chunk) => chunk.tryConsume((data) => new Promise((done) => socket.write(data, () => done()))),
    close: () => { socket.end(); },
  })).catch(() => {});
  return { readable: bytes.pipeThrough(new StructDeserializeStream(AdbPacket)), writable: serializer.writable, socket };
};
const keyStore = {
  async generateKey() {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return { buffer: new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })), name: "judge" };
  },
  *iterateKeys() {},
};
let adb;
let daemon;

const calls = (phone, prefix) => Object.fromEntries(Object.entries({
  banner: async () => {
    assert.match(phone().banner.model, /^Pixel.4$/); // a server says Pixel_4
    assert.ok(phone().banner.features.length > 3);
  },
  getProp: async () => assert.equal(await phone().getProp("ro.product.model"), "Pixel 4"),
  shellProtocol: async () => {
    const done = await phone().subprocess.shellProtocol.spawnWaitText("echo out; echo err >&2; exit 3");
    assert.deepEqual([done.stdout, done.stderr, done.exitCode], ["out\n", "err\n", 3]);
  },
  shellProtocolInput: async () => {
    const process = await phone().subprocess.shellProtocol.spawn("cat");
    const writer = process.stdin.getWriter();
    await writer.write(encodeUtf8("through"));
    await writer.close();
    assert.equal((await collected(process.stdout)).toString(), "through");
    assert.equal(await process.exited, 0);
  },
  shellProtocolKill: async () => {
    const process = await phone().subprocess.shellProtocol.spawn("sleep 60");
    await process.kill();
    await process.exited.catch(() => {});
  },
  noneProtocol: async () => assert.equal((await phone().subprocess.noneProtocol.spawnWaitText("echo hello")), "hello\n"),
  noneProtocolKill: async () => {
    const process = await phone().subprocess.noneProtocol.spawn("sleep 60");
    await process.kill();
    await process.exited;
  },
  pty: async () => {
    const process = await phone().subprocess.shellProtocol.pty({ command: "tty", terminalType: "xterm" });
    assert.match((await collected(process.output)).toString(), /\/dev\/pts/);
  },
  sync: async () => {
    const sync = await phone().sync();
    const file = `${HERE}/${prefix}yume`;
    await sync.write({ filename: file, file: streamOf(body), permission: 0o640 });
    const stat = await sync.stat(file);
    assert.equal(Number(stat.size), body.length);
    assert.equal(stat.permission, 0o666); // as adbd makes it of 0640: what the owner may, all may
    assert.equal((await sync.lstat("/sdcard")).type, 0o12);
    assert.equal(await sync.isDirectory("/sdcard"), true);
    assert.ok((await sync.readdir(HERE)).some((entry) => entry.name === `${prefix}yume`));
    assert.deepEqual(await collected(sync.read(file)), body);
    await sync.dispose();
  },
  syncOfNothing: async () => {
    const sync = await phone().sync();
    await assert.rejects(async () => sync.stat(`${HERE}/nothing`));
    await assert.rejects(async () => collected(sync.read(`${HERE}/nothing`)));
    await sync.dispose();
  },
  syncOfSystem: async () => {
    const sync = await phone().sync();
    await assert.rejects(async () => sync.write({ filename: "/system/bin/getprop", file: streamOf(body) }));
    await sync.dispose();
  },
  rm: async () => {
    await phone().rm(`${HERE}/${prefix}yume`);
    const sync = await phone().sync();
    await assert.rejects(async () => sync.stat(`${HERE}/${prefix}yume`));
    await sync.dispose();
  },
  socket: async () => {
    const socket = await phone().createSocket("exec:echo here");
    assert.equal((await collected(socket.readable)).toString(), "here\n");
    await socket.closed;
  },
  socketRefused: async () => assert.rejects(async () => phone().createSocket("tcp:1")),
  socketUnknown: async () => assert.rejects(async () => phone().createSocket("no-such-service:")),
  reverse: async () => {
    let called;
    const call = new Promise((done) => { called = done; });
    const address = await phone().reverse.add("tcp:0", (socket) => { called(); void socket.close(); });
    assert.ok((await phone().reverse.list()).length > 0);
    net.connect(Number(address.replace("tcp:", "")), "127.0.0.1").on("error", () => {}); // the phone's loopback
    await call;
    await phone().reverse.removeAll();
  },
  tcpipListen: async () => { await phone().tcpip.getListenAddresses(); },
  framebuffer: async () => {
    const picture = await phone().framebuffer();
    assert.equal(picture.data.length, (picture.width * picture.height * picture.bpp) / 8);
  },
}).map(([name, work]) => [`${prefix}${name}`, work]));

await run({
  "server.getVersion": async () => assert.ok((await server.getVersion()) > 30),
  "server.getServerFeatures": async () => assert.ok((await server.getServerFeatures()).includes("shell_v2")),
  "server.getDevices": async () => assert.deepEqual((await server.getDevices()).map((d) => d.serial), [SERIAL]),
  "server.getDeviceFeatures": async () => assert.ok((await server.getDeviceFeatures({ serial: SERIAL })).features.includes("shell_v2")),
  "server.trackDevices": async () => {
    const observer = await server.trackDevices();
    assert.equal(observer.current.length, 1);
    await observer.stop();
  },
  "server.createAdb": async () => { adb = await server.createAdb({ serial: SERIAL }); },
  ...calls(() => adb, ""),
  "daemon.connect": async () => {
    const connection = await daemonConnection();
    const transport = await AdbDaemonTransport.authenticate({ serial: "daemon", connection, credentialStore: keyStore });
    daemon = new Adb(transport);
  },
  ...calls(() => daemon, "daemon."),
  "daemon.close": async () => {
    await daemon.close();
    await daemon.disconnected;
  },
});
