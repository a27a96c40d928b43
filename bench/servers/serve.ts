import { createServer, type Socket } from "node:net";

/** Listens on the port of BENCH_PORT and ends with the pipe of its parent. */
export function serve(onConnection: (socket: Socket) => void): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(Number(process.env.BENCH_PORT), "127.0.0.1");
  process.stdin.resume().on("end", () => process.exit(0));
}
