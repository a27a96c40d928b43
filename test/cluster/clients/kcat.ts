import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { pause } from "../load/load.ts";
import {
  type ClientUnderTest,
  type Consuming,
  type Producing,
  Progress,
} from "./client-under-test.ts";

const WRITE_PAUSE_MS = 10;
let values = 0;

/** The client of librdkafka. It ends only when it is stopped, or when no broker is left. */
export function kcatClient(path: string): ClientUnderTest {
  const start = (bootstrap: readonly string[], args: readonly string[]) => {
    const common = [
      "-b",
      bootstrap.join(","),
      "-q",
      "-E",
      "-X",
      "topic.metadata.refresh.interval.ms=1000",
    ];
    const child = spawn(path, [...common, ...args]);
    child.stdin.on("error", () => {});
    onTestFinished(() => void child.kill("SIGKILL"));
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    return { child, errors: () => errors };
  };

  const produce = async (bootstrap: readonly string[], topic: string): Promise<Producing> => {
    const settings = ["enable.idempotence=true", "message.timeout.ms=120000", "linger.ms=5"];
    const options = settings.flatMap((setting) => ["-X", setting]);
    const { child, errors } = start(bootstrap, ["-P", "-t", topic, "-K", "=", ...options]);
    const closed = once(child, "close");
    // kcat does not report each record: its exit code says whether all were acknowledged.
    const written = new Progress(topic);
    let running = true;
    const writing = (async () => {
      while (running) {
        const value = `kcat ${values++}`;
        child.stdin.write(`${value}=${value}\n`);
        written.add(value);
        await pause(WRITE_PAUSE_MS);
      }
    })();
    return {
      further: () => written.further(),
      finish: async () => {
        running = false;
        await writing;
        child.stdin.end();
        const [code] = await closed;
        if (code !== 0) throw new Error(`kcat ended with ${code}:\n${errors()}`);
        return written.values;
      },
    };
  };

  const consume = async (bootstrap: readonly string[], topic: string): Promise<Consuming> => {
    const { child } = start(bootstrap, ["-C", "-t", topic, "-o", "beginning", "-u"]);
    const progress = new Progress(topic);
    createInterface({ input: child.stdout }).on("line", (line) => progress.add(line));
    return {
      begun: () => progress.begun(),
      until: async (wanted) => {
        await progress.has(wanted);
        const closed = once(child, "close");
        child.kill("SIGTERM");
        await closed;
      },
    };
  };
  return { idempotent: true, produce, consume };
}
