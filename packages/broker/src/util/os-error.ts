import { getSystemErrorMap } from "node:util";

/** The operating system's error code (`EACCES`); null for other errors. */
export function codeOf(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : null;
}

/** The system's reason in words, "permission denied (EACCES)"; any other error's message. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === "EDQUOT") return "disk quota exceeded (EDQUOT)";
  for (const [name, text] of getSystemErrorMap().values()) {
    if (name === code) return `${text} (${code})`;
  }
  return String((error as { message?: unknown }).message ?? error);
}

export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** All descriptors of the process, or of the machine, are in use. */
export function isOutOfFiles(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EMFILE" || code === "ENFILE";
}
