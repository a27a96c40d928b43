import type { NatsConnection } from "@nats-io/transport-node";
import { EngineError } from "./engine-error.ts";
import { REQUEST_TIMEOUT_MS, SERVER_PING_TIMEOUT_MS } from "./limits.ts";
import { raftIdOf } from "./names.ts";
import { requestJson } from "./request-json.ts";

/** A server of the JetStream cluster, as its meta leader sees it. */
export interface MetaPeer {
  /** Its id in the Raft group; see `raftIdOf`. */
  readonly id: string;
  /** The server's name; another text if the leader has not met the server since it started. */
  readonly name: string;
  /** The meta group's Raft leader. */
  readonly leader: boolean;
  readonly current: boolean;
  readonly offline: boolean;
  /** How many Raft entries it lacks. */
  readonly lag: number;
}

interface JszReply {
  readonly data?: {
    readonly meta_cluster?: {
      readonly leader?: string;
      readonly replicas?: readonly (Partial<MetaPeer> & { readonly peer?: string })[];
    };
  };
}

/** JSClusterServerNotMemberErr. */
const NOT_A_MEMBER = 10_044;

interface VarzReply {
  readonly data: {
    readonly jetstream?: {
      readonly config?: { readonly sync_interval?: number; readonly sync_always?: boolean };
    };
  };
}

/** Requests that only the system account of a managed engine may send. */
export class EngineAdmin {
  readonly nc: NatsConnection;
  readonly #onPeers: (peers: readonly MetaPeer[]) => void;

  /** `onPeers` is called with every answer about the meta group. */
  constructor(nc: NatsConnection, onPeers: (peers: readonly MetaPeer[]) => void = () => {}) {
    this.nc = nc;
    this.#onPeers = onPeers;
  }

  /** Rejects with EngineError TARPAN_ENGINE_REQUEST while there is no meta leader. */
  async metaPeers(): Promise<readonly MetaPeer[]> {
    const options = { leader_only: true };
    const reply = await requestJson<JszReply>(this.nc, "$SYS.REQ.SERVER.PING.JSZ", options);
    const { leader, replicas = [] } = reply.data?.meta_cluster ?? {};
    if (!leader)
      throw new EngineError(
        "TARPAN_ENGINE_REQUEST",
        "the JetStream cluster has no meta leader: a majority of its servers must run",
      );
    const peers = [
      { id: raftIdOf(leader), name: leader, leader: true, current: true, offline: false, lag: 0 },
      ...replicas.map(({ peer, name = "", current = false, offline = false, lag = 0 }) => ({
        ...{ id: peer ?? raftIdOf(name), name, current, offline, lag },
        leader: false,
      })),
    ];
    this.#onPeers(peers);
    return peers;
  }

  /**
   * Removes a server from the JetStream cluster for good: its replicas are made on other servers.
   * Only for a server that will not come back: one that still runs loses its streams. Succeeds also
   * if the server is not a member. The request carries the Raft id, because after a restart of all
   * other servers none of them knows the name of a dead one.
   */
  async removeServer(serverName: string): Promise<void> {
    const peer = { peer: serverName, peer_id: raftIdOf(serverName) };
    try {
      await requestJson(this.nc, "$JS.API.SERVER.REMOVE", peer);
    } catch (error) {
      if (error instanceof EngineError && error.natsCode === NOT_A_MEMBER) return;
      throw error;
    }
  }

  /** Whether a server of this name runs. */
  async answers(serverName: string): Promise<boolean> {
    const filter = { server_name: serverName, exact_match: true };
    try {
      await requestJson(this.nc, "$SYS.REQ.SERVER.PING.STATSZ", filter, SERVER_PING_TIMEOUT_MS);
      return true;
    } catch (error) {
      if (error instanceof EngineError) return false;
      throw error;
    }
  }

  /** How often the broker's own server syncs, as it reports: `always`, or `1000ms`. */
  async syncInterval(): Promise<string | null> {
    const subject = `$SYS.REQ.SERVER.${this.nc.info!.server_id}.VARZ`;
    const { data } = await requestJson<VarzReply>(this.nc, subject, {}, REQUEST_TIMEOUT_MS);
    const config = data.jetstream?.config;
    if (config?.sync_always) return "always";
    const nanoseconds = config?.sync_interval;
    return nanoseconds === undefined ? null : `${nanoseconds / 1e6}ms`;
  }
}
