import { getSystemErrorMap } from "node:util";

/** The operating system's word for it ("EACCES"), or the message where there is none. */
export function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message ?? error);
}

/** The same for people: "permission denied (EACCES)". */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  for (const [name, text] of getSystemErrorMap().values()) {
    if (name === code) return `${text} (${code})`;
  }
  return code;
}

export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT";
}
