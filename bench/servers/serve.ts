import { createServer, type Socket } from "node:net";

/** Listens on port BENCH_PORT, and exits when its parent closes its standard input. */
export function serve(onConnection: (socket: Socket) => void): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(Number(process.env.BENCH_PORT), "127.0.0.1");
  process.stdin.resume().on("end", () => process.exit(0));
}
