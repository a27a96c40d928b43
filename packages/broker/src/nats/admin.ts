import type { NatsConnection } from "@nats-io/transport-node";
import { EngineError } from "./engine-error.ts";
import { ANSWER_LIMIT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { raftIdOf } from "./names.ts";
import { requestJson } from "./request-json.ts";

/** A server of the JetStream cluster, as its meta leader sees it. */
export interface MetaPeer {
  /** In the Raft group; see `raftIdOf`. */
  readonly id: string;
  /** The server's name; something else for one that the leader has never met since it started. */
  readonly name: string;
  /** The meta group's Raft leader. */
  readonly leader: boolean;
  readonly current: boolean;
  readonly offline: boolean;
  /** Raft entries it lacks. */
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

/** What only the system account of a managed engine may do. */
export class EngineAdmin {
  readonly nc: NatsConnection;
  readonly #onPeers: (peers: readonly MetaPeer[]) => void;

  /** `onPeers` hears of every answer about the meta group. */
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
      throw new EngineError("TARPAN_ENGINE_REQUEST", "the JetStream cluster has no leader now");
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
   * Takes a server out of the JetStream cluster for good: its replicas are made anew elsewhere.
   * For one that will not come back; a server that still runs loses its streams. Success also when
   * it is none of the cluster's. Named by its Raft id: after a restart of all the others nobody
   * knows a dead server by its name.
   */
  async removeServer(serverName: string): Promise<void> {
    const peer = { peer: serverName, peer_id: raftIdOf(serverName) };
    try {
      await requestJson(this.nc, "$JS.API.SERVER.REMOVE", peer);
    } catch (error) {
      if (error instanceof EngineError && error.apiCode === NOT_A_MEMBER) return;
      throw error;
    }
  }

  /** Whether a server runs that is called so. */
  async answers(serverName: string): Promise<boolean> {
    const filter = { server_name: serverName, exact_match: true };
    try {
      await requestJson(this.nc, "$SYS.REQ.SERVER.PING.STATSZ", filter, ANSWER_LIMIT_MS);
      return true;
    } catch (error) {
      if (error instanceof EngineError) return false;
      throw error;
    }
  }

  /** How the broker's own server syncs, as it says itself: `always`, or `1000ms`. */
  async syncInterval(): Promise<string | null> {
    const subject = `$SYS.REQ.SERVER.${this.nc.info!.server_id}.VARZ`;
    const { data } = await requestJson<VarzReply>(this.nc, subject, {}, REQUEST_TIMEOUT_MS);
    const config = data.jetstream?.config;
    if (config?.sync_always) return "always";
    const nanoseconds = config?.sync_interval;
    return nanoseconds === undefined ? null : `${nanoseconds / 1e6}ms`;
  }
}
