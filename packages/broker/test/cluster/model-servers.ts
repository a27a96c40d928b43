// The servers under the model of JetStream, one beside each broker: where each stream's replicas
// are, which of them is the Raft leader, and how servers that stop and start change both.
import { type ApiAnswer, ErrorCode } from "../../src/log/jetstream/transport.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "../../src/nats/names.ts";
import type { ManualTime } from "../env/manual-time.ts";
import type { SeededRandom } from "../env/seeded-random.ts";
import type { ModelJetStream, ModelStream } from "../log/jetstream/model-jetstream.ts";

interface Placed {
  replicas: number[];
  leader: number | null;
  isMoving: boolean;
}

interface Config {
  readonly name: string;
  readonly num_replicas: number;
  readonly placement?: { readonly tags?: readonly string[] };
}

const NO_LEADER_MS = Number.MAX_SAFE_INTEGER;
const ELECTION_MS = { least: 4_000, more: 5_000 };
const STEP_DOWN_MS = 100;
const CATCH_UP_MS = 1_500;

export class ModelServers {
  readonly model: ModelJetStream;
  readonly removed: number[] = [];
  readonly #time: ManualTime;
  readonly #random: SeededRandom;
  readonly #up = new Map<number, boolean>();
  readonly #placed = new Map<ModelStream, Placed>();

  constructor(model: ModelJetStream, time: ManualTime, random: SeededRandom) {
    this.model = model;
    this.#time = time;
    this.#random = random;
  }

  isUp(id: number): boolean {
    return this.#up.get(id) === true;
  }

  start(id: number): void {
    this.#up.set(id, true);
    // A removed server joins again as soon as it runs.
    if (this.removed.includes(id)) this.removed.splice(this.removed.indexOf(id), 1);
    for (const [stream, placed] of this.#placed) {
      if (placed.leader === null && placed.replicas.includes(id)) this.#elect(stream, placed);
    }
  }

  /** Before a server stops in order its Raft leaders step down, so no election must time out. */
  relieve(id: number): void {
    for (const [stream, placed] of this.#placed) {
      const others = placed.replicas.filter((each) => each !== id && this.isUp(each));
      if (placed.leader !== id || others.length === 0) continue;
      placed.leader = this.#random.pick(others);
      this.model.elect(stream, STEP_DOWN_MS, stream.proposals.length);
    }
  }

  /** The server is killed or cut off, which the others can't tell apart. */
  stop(id: number): void {
    if (!this.#up.has(id)) return;
    this.#up.set(id, false);
    for (const [stream, placed] of this.#placed) {
      if (!placed.replicas.includes(id)) continue;
      if (placed.leader === id || !this.#hasQuorum(placed)) this.#elect(stream, placed);
    }
  }

  /** Removes a server for good; its replicas move to others. */
  remove(id: number): void {
    this.stop(id);
    this.#up.delete(id);
    this.removed.push(id);
    for (const [stream, placed] of this.#placed) {
      if (!placed.replicas.includes(id)) continue;
      // If its placement allows no other server, the stream has fewer replicas.
      const left = placed.replicas.filter((each) => each !== id);
      this.#settle(stream, placed, this.#chosen(configOf(stream), left) ?? left);
    }
  }

  replicasOf(name: string): readonly number[] {
    return this.#placed.get(this.model.stream(name))?.replicas ?? [];
  }

  leaderOf(name: string): number | null {
    return this.#placed.get(this.model.stream(name))?.leader ?? null;
  }

  /** Causes an election in the stream's Raft group. */
  disturb(name: string): void {
    const stream = this.model.stream(name);
    const placed = this.#placed.get(stream);
    if (placed !== undefined) this.#elect(stream, placed);
  }

  /** Answers a request as a server would; `ask` asks the model, which knows no servers. */
  answer(operation: string, body: object | null, ask: () => ApiAnswer | null): ApiAnswer | null {
    const verb = /^STREAM\.(MSG\.GET|LEADER\.STEPDOWN|[A-Z]+)/.exec(operation)![1]!;
    const stream = this.model.streams.get(operation.split(".").at(-1)!);
    if (["CREATE", "DELETE", "UPDATE", "LIST"].includes(verb) && !this.#hasMetaLeader())
      return null;
    if (verb === "LEADER.STEPDOWN" && stream) return this.#stepDown(stream, body, ask);
    if (verb === "UPDATE" && stream) return this.#update(stream, body as Config, ask);
    if (verb === "CREATE" && !stream) return this.#create(body as Config, ask);
    const answer = ask();
    if (verb === "DELETE" && stream) this.#placed.delete(stream);
    return this.#decorated(answer);
  }

  #create(config: Config, ask: () => ApiAnswer | null): ApiAnswer | null {
    const replicas = this.#chosen(config, []);
    if (replicas === null) return noPeers();
    const answer = ask();
    const stream = this.model.stream(config.name);
    const leader = replicas.find((id) => this.isUp(id)) ?? null;
    const placed = { replicas, leader, isMoving: false };
    this.#placed.set(stream, placed);
    if (!this.#hasQuorum(placed)) this.#elect(stream, placed);
    return this.#decorated(answer);
  }

  #update(stream: ModelStream, config: Config, ask: () => ApiAnswer | null): ApiAnswer | null {
    const placed = this.#placed.get(stream)!;
    if (placed.isMoving) return refusal(ErrorCode.streamMoveInProgress, "a move is in progress");
    const next = this.#chosen(config, placed.replicas);
    if (next === null) return noPeers();
    const answer = ask();
    if (!answer || answer.error) return answer;
    if (next.join() !== placed.replicas.join()) {
      placed.isMoving = true;
      this.#time.after(CATCH_UP_MS, () => {
        placed.isMoving = false;
        if (this.#placed.has(stream)) this.#settle(stream, placed, next);
      });
    }
    return this.#decorated(answer);
  }

  #settle(stream: ModelStream, placed: Placed, replicas: number[]): void {
    placed.replicas = replicas;
    const isLed = placed.leader !== null && replicas.includes(placed.leader);
    if (!isLed || !this.#hasQuorum(placed)) this.#elect(stream, placed);
  }

  /** Servers that already hold a replica first, then running ones; null if there are too few. */
  #chosen({ num_replicas, placement }: Config, before: readonly number[]): number[] | null {
    const excluded = new Set(placement?.tags ?? []);
    const allowed = [...this.#up.keys()].filter((id) => !excluded.has(`!${serverTagOf(id)}`));
    const stay = before.filter((id) => allowed.includes(id));
    const fresh = allowed.filter((id) => !stay.includes(id));
    const shuffled = fresh.sort((a, b) => Number(this.isUp(b)) - Number(this.isUp(a)) || a - b);
    const chosen = [...stay, ...shuffled].slice(0, num_replicas);
    return chosen.length < num_replicas ? null : chosen;
  }

  #stepDown(stream: ModelStream, body: object | null, ask: () => ApiAnswer | null) {
    const placed = this.#placed.get(stream)!;
    const { preferred = "" } = (body as { placement?: { preferred?: string } })?.placement ?? {};
    const id = brokerIdOf(preferred);
    if (id === null || !this.model.hasLeader(stream)) return ask();
    if (id === placed.leader) return refusal(ErrorCode.clusterNoPeers, "it is already leader");
    if (!placed.replicas.includes(id) || !this.isUp(id)) return noPeers();
    placed.leader = id;
    this.model.elect(stream, STEP_DOWN_MS, stream.proposals.length);
    return { success: true };
  }

  #hasQuorum({ replicas }: Placed): boolean {
    return replicas.filter((id) => this.isUp(id)).length * 2 > replicas.length;
  }

  #hasMetaLeader(): boolean {
    const up = [...this.#up.values()].filter((isUp) => isUp).length;
    return up * 2 > this.#up.size;
  }

  #elect(stream: ModelStream, placed: Placed): void {
    if (!this.#hasQuorum(placed)) {
      placed.leader = null;
      this.model.elect(stream, NO_LEADER_MS, 0);
      return;
    }
    const { least, more } = ELECTION_MS;
    const kept = this.#random.below(stream.proposals.length + 1);
    placed.leader = this.#random.pick(placed.replicas.filter((id) => this.isUp(id)));
    this.model.elect(stream, least + this.#random.below(more), kept);
  }

  #decorated(answer: ApiAnswer | null): ApiAnswer | null {
    if (answer === null || answer.error) return answer;
    if (Array.isArray(answer.streams)) {
      return { ...answer, streams: answer.streams.map((info) => this.#withCluster(info)) };
    }
    return answer.config === undefined ? answer : this.#withCluster(answer);
  }

  #withCluster(info: ApiAnswer): ApiAnswer {
    const stream = this.model.stream((info.config as Config).name);
    const { leader, replicas } = this.#placed.get(stream)!;
    const isLed = leader !== null && this.model.hasLeader(stream);
    const others = replicas.filter((id) => !isLed || id !== leader);
    const peers = others.map((id) => {
      return { name: serverNameOf(id), current: this.isUp(id), offline: !this.isUp(id), lag: 0 };
    });
    return {
      ...info,
      cluster: { ...(isLed && { leader: serverNameOf(leader) }), replicas: peers },
    };
  }
}

function configOf(stream: ModelStream): Config {
  return stream.config as unknown as Config;
}

function refusal(err_code: number, description: string): ApiAnswer {
  return { error: { code: 400, err_code, description } };
}

function noPeers(): ApiAnswer {
  return refusal(ErrorCode.clusterNoPeers, "no suitable peers for placement");
}
