import type { Logger } from "@tarpan/broker";
import {
  type LoadedConfig,
  type RunningBroker,
  startBroker,
} from "@tarpan/broker/internal/command-line";
import type { Command } from "../args/command.ts";
import { brokerConfig, brokerOptions, STOP_WITH_STDIN } from "../config/broker-config.ts";
import type { LogFile } from "../logging/log-file.ts";
import { createLogger, type LineLogger } from "../logging/log-lines.ts";
import { textLine } from "../logging/text-line.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";
import { collectLessOften } from "./garbage-collection.ts";
import { readyLines } from "./ready-lines.ts";

const EXIT_INTERRUPTED = 130;
/** Loaded soon after the start, so that no request of a client has to wait for a module. */
const LOAD_DELAY_MS = 1_000;

export const broker: Command = {
  name: "broker",
  summary: "Run a broker: one process that any Kafka client can talk to.",
  usage: ["[--config FILE] [options]"],
  options: brokerOptions,
  examples: [
    "tarpan broker",
    "tarpan broker --node-id broker1 --bind-port 9093 --data-dir ./data/broker1",
    "tarpan broker --config broker.yaml --flush interval",
    "tarpan broker --storage memory --bind-port 0",
    "tarpan broker --node-id 1 --raft-addr 10.0.0.1:7001 --cluster-peers 10.0.0.2:7001,10.0.0.3:7001",
  ],
  async run(args, io) {
    const config = await brokerConfig(args, io);
    collectLessOften();
    const logger = await openLogger(config, io);
    const stopped = Promise.race([
      stopSignal(io),
      ...(args.has(STOP_WITH_STDIN) ? [endOf(io.stdin)] : []),
    ]);
    const audit = await openAudit(config, logger);
    const running = await started(config, { io, logger, audit, stopped });
    if (running === null) return logger.info("stopped before it was ready");
    for (const warning of config.warnings) logger.warn(warning);
    // On a terminal the ready line says it already.
    if (config.logging.file !== null) logger.info("started", { bootstrap: running.bootstrap });
    io.stdout.write(readyLines(running, config.settings));
    setTimeout(() => logger.load(), LOAD_DELAY_MS).unref();
    await stopped;
    await running.stop();
    logger.info("stopped");
  },
};

interface Outer {
  readonly io: Io;
  readonly logger: Logger;
  readonly audit: LogFile | null;
  readonly stopped: Promise<void>;
}

/**
 * Null if it was told to stop before it was ready: it may wait for other brokers forever.
 */
async function started(
  { settings, nodeIdGiven, logging }: LoadedConfig,
  { io, logger, audit, stopped }: Outer,
): Promise<RunningBroker | null> {
  const stop = new AbortController();
  void stopped.then(() => stop.abort());
  try {
    const onWaiting = logging.file === null ? () => {} : sayOnTerminal(io, logging.file);
    const given = audit === null ? {} : { audit };
    const options = { logger, nodeIdGiven, stopping: stop.signal, onWaiting, ...given };
    return await startBroker(settings, options);
  } catch (error) {
    if (error === stop.signal.reason) return null;
    throw error;
  }
}

/** When the log goes to a file, the terminal would not show that the broker waits. */
function sayOnTerminal({ stderr }: Io, logFile: string): (what: string) => void {
  let last = "";
  return (what) => {
    if (what !== last) stderr.write(`${what}; log in ${logFile}\n`);
    last = what;
  };
}

async function openLogger({ logging }: LoadedConfig, io: Io): Promise<LineLogger> {
  const { level, file } = logging;
  const wallMs = Date.now;
  if (file === null) {
    const asText = io.stderr.isTTY === true;
    const write = (line: string) => io.stderr.write(asText ? `${textLine(line)}\n` : line);
    return createLogger({ level, wallMs, write });
  }
  const { LogFile } = await import("../logging/log-file.ts");
  try {
    const sink = new LogFile({ ...logging, path: file, tell: (what) => tell(io, what) });
    return createLogger({ level, wallMs, write: (line) => sink.write(line) });
  } catch (error) {
    throw new CommandError(`can't log to ${file}: ${osReason(error)}`, { cause: error });
  }
}

/** The broker's log tells of its troubles: nobody may look at the terminal. */
async function openAudit({ logging }: LoadedConfig, logger: Logger): Promise<LogFile | null> {
  const { auditFile: path } = logging;
  if (path === null) return null;
  const { LogFile } = await import("../logging/log-file.ts");
  try {
    return new LogFile({ ...logging, path, tell: (what) => logger.error(`audit log: ${what}`) });
  } catch (error) {
    throw new CommandError(`audit_log: can't write to ${path}: ${osReason(error)}`, {
      cause: error,
    });
  }
}

function tell({ stderr }: Io, what: string): void {
  stderr.write(`tarpan: ${what}\n`);
}

/** Resolves on the first SIGINT or SIGTERM; a second ends the process at once. */
function stopSignal(io: Io): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = () => {
      if (isStopping) process.exit(EXIT_INTERRUPTED);
      isStopping = true;
      resolve();
    };
    io.on("SIGINT", stop);
    io.on("SIGTERM", stop);
  });
}

/** The pipe from our parent process ends when that process ends, even when it is killed. */
function endOf(stdin: Io["stdin"]): Promise<void> {
  return new Promise((resolve) => {
    stdin.once("end", resolve).once("error", () => resolve());
    stdin.resume();
  });
}
