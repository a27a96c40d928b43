// Clients that connect, log in and leave, so many a second, whether or not earlier ones are done.

import { setTimeout as sleep } from "node:timers/promises";
import { loggedIn, type ScramLogin } from "../scram-login.ts";

export interface LoginsJob {
  readonly login: ScramLogin;
  readonly ratePerSecond: number;
  readonly measureMs: number;
}

export interface LoginsResult {
  readonly logins: number;
  readonly loginsPerSecond: number;
}

const TICK_MS = 5;
/** More in progress mean that the broker falls behind: it shows in the rate. */
const IN_PROGRESS_LIMIT = 500;

const job = JSON.parse(process.argv[2]!) as LoginsJob;
let started = 0;
let logins = 0;

async function logInAndLeave(): Promise<void> {
  const connection = await loggedIn(job.login);
  connection.close();
  logins += 1;
}

const startMs = performance.now();
const inProgress = new Set<Promise<void>>();
for (;;) {
  const elapsedMs = performance.now() - startMs;
  if (elapsedMs >= job.measureMs) break;
  const due = (elapsedMs / 1000) * job.ratePerSecond;
  while (started < due && inProgress.size < IN_PROGRESS_LIMIT) {
    started += 1;
    const one = logInAndLeave().finally(() => inProgress.delete(one));
    inProgress.add(one);
  }
  await sleep(TICK_MS);
}
await Promise.all(inProgress);
const seconds = (performance.now() - startMs) / 1000;
const result: LoginsResult = { logins, loginsPerSecond: logins / seconds };
console.log(JSON.stringify(result));
