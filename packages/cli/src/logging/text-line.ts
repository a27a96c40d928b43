/**
 * A line of the log for people: `19:36:41.123 WARN  message  name=value`. Other lines stay as they
 * are: a broker's process prints other things, too.
 */
export function textLine(line: string): string {
  const event = parsed(line);
  if (event === null) return line;
  const { time, level, message, fields } = event;
  let text = `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) text += `  ${name}=${textOf(value)}`;
  return text;
}

interface LogEvent {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function parsed(line: string): LogEvent | null {
  if (!line.startsWith("{")) return null;
  try {
    const { time, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    if (typeof time !== "string" || typeof level !== "string" || typeof message !== "string")
      return null;
    return { time, level, message, fields };
  } catch {
    return null;
  }
}

function textOf(value: unknown): string {
  if (isError(value)) return textOf(value.message);
  if (typeof value !== "string") return JSON.stringify(value);
  return /[\s"=\p{Cc}]/u.test(value) ? JSON.stringify(value) : value;
}

/** The error as the JSON line has it. Its stack is in the log file. */
function isError(value: unknown): value is { message: string } {
  const { message, stack } = (value ?? {}) as { message?: unknown; stack?: unknown };
  return typeof message === "string" && typeof stack === "string";
}

/**
 * Text from a client may hold newlines or control sequences of terminals. It must not be able to
 * forge a log line, or what an operator sees.
 */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
