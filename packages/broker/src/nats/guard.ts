/**
 * Runs a program that must not outlive the broker, however the broker ends: a shell whose standard
 * input is a pipe from the broker. If the pipe ends while the program runs, the broker has died, or
 * wants the program killed, and the shell kills it.
 *
 * The first line that the shell writes is the program's process id; its exit code is the program's.
 * `read` is built into the shell, so no third process waits on the pipe. The shell ignores signals
 * that a terminal or a service manager sends to every process: the broker passes them on.
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
export function guardArguments(path: string, args: readonly string[]): string[] {
  return ["-c", GUARD, "tarpan-guard", path, ...args];
}
