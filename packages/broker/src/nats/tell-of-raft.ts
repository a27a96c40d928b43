import type { Logger } from "../logging/logger.ts";
import type { MetaPeer } from "./admin.ts";

/** Says who leads the servers' meta group, and who is missing, whenever that is news. */
export function tellOfRaft(logger: Logger): (peers: readonly MetaPeer[]) => void {
  let known = "";
  return (peers) => {
    const leader = peers.find((peer) => peer.leader)?.name;
    const offline = peers.filter((peer) => peer.offline).map(({ name }) => name);
    const news = `${leader} ${offline}`;
    if (news === known) return;
    known = news;
    logger.info(`raft: nats-server ${leader} leads the meta group`, { offline });
  };
}
