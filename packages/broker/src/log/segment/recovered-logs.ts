/** What opening logs had to do after a stop that was not in order. */
export class RecoveredLogs {
  /** Logs opened. */
  logs = 0;
  /** Those of them in which something had been written since their last checkpoint. */
  scannedLogs = 0;
  scannedBytes = 0;
  /** Unfinished writes that were cut off. */
  cutBytes = 0;

  add({ scannedBytes, cutBytes }: { scannedBytes: number; cutBytes: number }): void {
    this.logs += 1;
    if (scannedBytes > 0) this.scannedLogs += 1;
    this.scannedBytes += scannedBytes;
    this.cutBytes += cutBytes;
  }
}
