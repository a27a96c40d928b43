/** Counts the work of recovery after an unclean shutdown. */
export class RecoveredLogs {
  /** Logs opened. */
  logs = 0;
  /** Logs with bytes after their last checkpoint, which had to be scanned. */
  scannedLogs = 0;
  scannedBytes = 0;
  /** Bytes of unfinished writes that were cut off. */
  cutBytes = 0;

  add({ scannedBytes, cutBytes }: { scannedBytes: number; cutBytes: number }): void {
    this.logs += 1;
    if (scannedBytes > 0) this.scannedLogs += 1;
    this.scannedBytes += scannedBytes;
    this.cutBytes += cutBytes;
  }
}
