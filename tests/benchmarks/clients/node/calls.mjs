// What each script here uses: calls with a time limit, one JSON line each.

import assert from "node:assert/strict";

export { assert };
export const SERIAL = process.env.PHONE_SERIAL;
export const SERVER_PORT = Number(process.env.ADB_SERVER_PORT);
export const PHONE_PORT = Number(process.env.PHONE_PORT);
export const APK = process.env.APK;
export const PACKAGE = process.env.APK_PACKAGE;
export const SCRATCH = process.env.SCRATCH;
export const HERE = "/data/local/tmp";
const LIMIT_MS = 30_000;

const tell = (call, outcome, reason = "") =>
  process.stdout.write(JSON.stringify({ call, outcome, reason }) + "\n");

const inTime = (work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

// calls: {name: async function that ends, or throws}; leftOut: {name: reason}
export async function run(calls, leftOut = {}) {
  process.on("unhandledRejection", (error) => process.stderr.write(`unhandled: ${error}\n`));
  for (const [name, work] of Object.entries(calls)) {
    try {
      await inTime(work());
      tell(name, "works");
    } catch (error) {
      tell(name, "fails", String(error?.message ?? error));
    }
  }
  for (const [name, reason] of Object.entries(leftOut)) tell(name, "skipped", reason);
  process.exit(0);
}

export const bytesOf = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
};
