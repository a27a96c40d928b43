import { getSystemErrorMap } from "node:util";

/** The operating system's reason in plain words: "no such file or directory". */
export function osReason(error: unknown): string {
  const { errno, message } = error as { errno?: number; message?: string };
  return getSystemErrorMap().get(errno ?? 0)?.[1] ?? message ?? String(error);
}
