import type { MetadataImage } from "../../../metadata/image.ts";
import type { ConsumerMember } from "./member.ts";
import type { ResolvedRegex } from "./records.ts";

/** For the log: why a group moves to another epoch. */
export const TOPICS_CHANGED = "a subscribed topic changed";

/** Topics by name, topics that match a regular expression, or both. */
export interface Subscription {
  readonly names: readonly string[];
  readonly regex: string | null;
}

export function subscriptionOf(member: ConsumerMember): Subscription {
  return { names: member.subscribedTopicNames, regex: member.subscribedTopicRegex };
}

/** False for "", with which a member removes its regular expression. */
export function isRegex(regex: string | null): regex is string {
  return regex !== null && regex !== "";
}

/**
 * The distinct subscriptions of a group's members, with counts. Nearly always all members have the
 * same one, so work on subscriptions need not visit every member.
 */
export class SubscriptionCounts {
  readonly #byKey = new Map<string, { subscription: Subscription; members: number }>();

  add(member: ConsumerMember): void {
    const key = keyOf(member);
    const known = this.#byKey.get(key);
    if (known !== undefined) known.members++;
    else this.#byKey.set(key, { subscription: subscriptionOf(member), members: 1 });
  }

  remove(member: ConsumerMember): void {
    const key = keyOf(member);
    const known = this.#byKey.get(key)!;
    if (--known.members === 0) this.#byKey.delete(key);
  }

  clone(): SubscriptionCounts {
    const clone = new SubscriptionCounts();
    for (const [key, counted] of this.#byKey) clone.#byKey.set(key, { ...counted });
    return clone;
  }

  *distinct(): Iterable<Subscription> {
    for (const { subscription } of this.#byKey.values()) yield subscription;
  }

  ofRegex(regex: string): number {
    let members = 0;
    for (const { subscription, members: count } of this.#byKey.values()) {
      if (subscription.regex === regex) members += count;
    }
    return members;
  }
}

const keys = new WeakMap<readonly string[], string>();

/** Equal for members with the same subscription. */
export function keyOf({
  subscribedTopicNames: names,
  subscribedTopicRegex: regex,
}: ConsumerMember): string {
  let key = keys.get(names);
  if (key === undefined) {
    key = JSON.stringify(names);
    keys.set(names, key);
  }
  return isRegex(regex) ? `${key}${regex}` : key;
}

/** The names of all topics of a subscription, existing or not. */
export function topicNamesOf(
  { names, regex }: Subscription,
  regexes: ReadonlyMap<string, ResolvedRegex>,
): readonly string[] {
  const matching = isRegex(regex) ? (regexes.get(regex)?.topics ?? []) : [];
  if (matching.length === 0) return names;
  return names.length === 0 ? matching : [...new Set([...names, ...matching])];
}

/** The names of all topics of a group; a name may come more than once. */
export function* allTopicNames(
  subscriptions: SubscriptionCounts,
  regexes: ReadonlyMap<string, ResolvedRegex>,
): Iterable<string> {
  for (const subscription of subscriptions.distinct()) yield* topicNamesOf(subscription, regexes);
}

/**
 * Changes when any of these topics is created, deleted or grows. Recorded with the group's epoch,
 * so that a coordinator that loads the group notices changes since then. 0 when no topic exists.
 */
export function metadataHashOf(names: Iterable<string>, image: MetadataImage): bigint {
  let sum = 0n;
  for (const name of new Set(names)) {
    const topic = image.topics.get(name);
    // A sum, because it does not depend on the order.
    if (topic !== undefined) sum += hashOf(`${name}/${topic.id}/${topic.partitions.length}`);
  }
  return BigInt.asIntN(64, sum);
}

/** Two 32-bit FNV-1a hashes side by side. */
function hashOf(text: string): bigint {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + i), 0x01000193);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
