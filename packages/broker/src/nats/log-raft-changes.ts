import type { Logger } from "../logging/logger.ts";
import type { MetaPeer } from "./admin.ts";

/** Returns a function that logs the meta group's leader and offline servers when they change. */
export function logRaftChanges(logger: Logger): (peers: readonly MetaPeer[]) => void {
  let known = "";
  return (peers) => {
    const leader = peers.find((peer) => peer.leader)?.name;
    const offline = peers.filter((peer) => peer.offline).map(({ name }) => name);
    const state = `${leader} ${offline}`;
    if (state === known) return;
    known = state;
    logger.info(`raft: nats-server ${leader} leads the meta group`, { offline });
  };
}
