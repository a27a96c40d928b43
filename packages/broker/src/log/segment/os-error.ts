/** The operating system's word for it ("EACCES"), or the message where there is none. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message ?? error);
}

export function isDiskFull(error: unknown): boolean {
  return reasonOf(error) === "ENOSPC" || reasonOf(error) === "EDQUOT";
}
