/**
 * Runs a program that must not outlive the broker, whatever ends that: a shell whose standard
 * input is a pipe from the broker. When the pipe reaches its end without the program having
 * ended, the broker has died and the program is killed.
 *
 * The first line it writes is the program's process id; it ends with the program's exit code.
 * `read` is the shell's own, so no third process waits on the pipe. Signals that a terminal or a
 * service manager sends to every process are for the broker to pass on.
 */
const GUARD = `
trap '' TERM INT HUP
exec 3<&0
"$@" </dev/null >/dev/null 3<&- &
program=$!
echo "$program"
(while read -r _; do :; done; kill -KILL "$program") <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$program"
code=$?
kill -KILL "$watcher"
exit "$code"
`;

/** The arguments for `/bin/sh`. */
export function guarded(path: string, args: readonly string[]): string[] {
  return ["-c", GUARD, "tarpan-guard", path, ...args];
}
