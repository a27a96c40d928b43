import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { peer } from "../harness/peers.ts";

export const applications = peer("java-applications");

const OPTIONS = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
const OUTPUT_KEPT = 8_000;

/** A file of properties, as Kafka's programs read it. */
export function propertiesText(properties: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  return lines.join("");
}

/** A program of test/peers/java-applications, or of Kafka, that runs until it is killed. */
export class JavaApplication {
  #child: ChildProcess | null = null;
  #output = "";

  /** The end of what it wrote, in all its runs. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  start(main: string, ...args: readonly string[]): void {
    const all = [...OPTIONS, "-Xmx256m", "-cp", applications.classPath, main, ...args];
    this.#child = spawn(applications.path, all, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    }
  }

  async kill9(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child!, "exit");
    this.#child!.kill("SIGKILL");
    await exited;
  }
}
