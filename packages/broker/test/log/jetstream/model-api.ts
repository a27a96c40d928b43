// The part of the JetStream API that the engine uses, over the model.
import type { ApiAnswer } from "../../../src/log/jetstream/transport.ts";
import { type ModelJetStream, type ModelMessage, ModelStream } from "./model-jetstream.ts";

type Body = Readonly<Record<string, unknown>>;

/** Null: no server answers. */
export function answerRequest(
  model: ModelJetStream,
  operation: string,
  body: Body,
): ApiAnswer | null {
  const [, verb = "", name = ""] = /^STREAM\.(MSG\.GET|LEADER\.STEPDOWN|[A-Z]+)\.?(.*)$/.exec(
    operation,
  )!;
  if (verb === "CREATE") return create(model, name, body);
  if (verb === "LIST") return list(model);
  const stream = model.streams.get(name);
  if (!stream) return refusal(404, 10059, "stream not found");
  if (verb === "DELETE") {
    model.streams.delete(name);
    return { success: true };
  }
  if (verb === "INFO") return infoOf(model, stream);
  if (!model.hasLeader(stream)) return null;
  return answerLeader(model, stream, verb, body);
}

function answerLeader(
  model: ModelJetStream,
  stream: ModelStream,
  verb: string,
  body: Body,
): ApiAnswer {
  switch (verb) {
    case "MSG.GET":
      return messageGet(stream, body);
    case "UPDATE":
      stream.config = body as unknown as ModelStream["config"];
      return infoOf(model, stream);
    case "PURGE":
      purge(stream, body as { filter?: string; seq?: number });
      return { success: true };
    case "LEADER.STEPDOWN":
      model.elect(stream, 100, stream.proposals.length);
      return { success: true };
    default:
      throw new Error(`the model knows no ${verb}`);
  }
}

/** `*` matches one token; with `seq` only older messages are purged. */
function purge(stream: ModelStream, { filter, seq }: { filter?: string; seq?: number }): void {
  if (filter === undefined) {
    stream.purgeBefore(seq!);
    return;
  }
  const pattern = new RegExp(`^${filter.replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`);
  stream.messages = stream.messages.filter(({ subject, sequence }) => {
    return !pattern.test(subject) || sequence >= (seq ?? Number.POSITIVE_INFINITY);
  });
}

function create(model: ModelJetStream, name: string, body: Body): ApiAnswer {
  const there = model.streams.get(name);
  if (there && JSON.stringify(there.config) !== JSON.stringify(body))
    return refusal(400, 10058, "stream name already in use with a different configuration");
  const stream = there ?? new ModelStream(body as unknown as ModelStream["config"]);
  model.streams.set(name, stream);
  return infoOf(model, stream);
}

function list(model: ModelJetStream): ApiAnswer {
  const streams = [...model.streams.values()].map((stream) => infoOf(model, stream));
  return { streams, total: streams.length, offset: 0, limit: 256 };
}

function infoOf(model: ModelJetStream, stream: ModelStream): ApiAnswer {
  const hasLeader = model.hasLeader(stream);
  // Without a leader any replica answers, and may lag.
  const last_seq = hasLeader ? model.described(stream) : Math.max(0, stream.lastSequence - 3);
  const bytes = [...stream.messages.values()].reduce((sum, { payload }) => sum + payload.length, 0);
  return {
    config: stream.config,
    state: { first_seq: stream.firstSequence, last_seq, bytes },
    cluster: { ...(hasLeader && { leader: "tarpan-1" }), replicas: [] },
  };
}

function messageGet(stream: ModelStream, body: Body): ApiAnswer {
  const found = wantedMessage(stream, body);
  if (!found) return refusal(404, 10037, "no message found");
  const hdrs = Buffer.from(`NATS/1.0\r\nNats-Msg-Id: ${found.messageId}\r\n\r\n`);
  const data = Buffer.from(found.payload);
  return {
    message: {
      seq: found.sequence,
      subject: found.subject,
      hdrs: hdrs.toString("base64"),
      data: data.toString("base64"),
    },
  };
}

function wantedMessage(stream: ModelStream, body: Body): ModelMessage | undefined {
  if (body.last_by_subj !== undefined)
    return stream.messages.findLast(({ subject }) => subject === body.last_by_subj);
  if (body.next_by_subj === undefined) return stream.find(body.seq as number);
  return stream.messages.find(({ sequence }) => sequence >= (body.seq as number));
}

function refusal(code: number, err_code: number, description: string): ApiAnswer {
  return { error: { code, err_code, description } };
}
