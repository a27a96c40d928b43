/** What several of the controller's operations are made of. */
import {
  type Api,
  api,
  array,
  type Field,
  type Fields,
  type Input,
  i8,
  i16,
  i32,
  type Output,
  offset,
  type Range,
  string,
  struct,
} from "@tarpan/protocol";

/** A Kafka error code, NONE for success; the message is null without an error. */
export const outcome = { errorCode: i16, errorMessage: string.nullable() };

/** An ACL, with Kafka's numbers. */
export const acl = {
  resourceType: i8,
  resourceName: string,
  patternType: i8,
  principal: string,
  host: string,
  operation: i8,
  permissionType: i8,
};

/** What became of each partition of a topic. */
export const topicOutcomes = {
  name: string,
  partitions: array({ partition: i32, ...outcome }),
};

/**
 * The response to an operation of the controller. NOT_CONTROLLER says that nothing was done. Any
 * other error comes from the controller's log: it was not done, or nobody knows whether it was. An
 * error that the operation itself finds stands in `response`.
 */
type Envelope<S extends Fields> = {
  errorCode: Field<number>;
  errorMessage: Field<string | null>;
  /** `response` is true of the metadata up to this offset; -1 with an error. */
  metadataEnd: Field<number>;
  /** Null with an error. */
  response: Field<Output<S> | null, Input<S> | null>;
};

/** An operation of the controller as a message between brokers. */
export type ControllerApi<Q extends Fields, S extends Fields> = Api<Q, Envelope<S>>;

// biome-ignore lint/suspicious/noExplicitAny: types vary both ways, so only any takes all messages
export type AnyControllerApi = ControllerApi<any, any>;

interface Declaration<Q extends Fields, S extends Fields> {
  readonly key: number;
  readonly name: string;
  readonly versions: Range;
  readonly request: Q;
  readonly response: S;
}

export function controllerApi<const Q extends Fields, const S extends Fields>({
  response,
  ...declaration
}: Declaration<Q, S>): ControllerApi<Q, S> {
  return api({
    ...declaration,
    flexible: "0+",
    response: { ...outcome, metadataEnd: offset, response: struct(response).nullable() },
  });
}
