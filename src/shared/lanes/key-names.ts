import { createHash } from 'node:crypto';

/** The BullMQ queue of messages, within a shard's prefix. */
export const SEND_QUEUE = 'send';
/** The BullMQ queue of dead letters, within a shard's prefix. */
export const DEAD_QUEUE = 'dead';

const ID_PATTERN = /^([0-9a-z]{1,2})-[0-9A-HJKMNP-TV-Z]{26}$/;
const PLAIN_PART = /^[\w.@+-]{1,64}$/;

/**
 * BullMQ's prefix of one shard. The braces are a Redis Cluster hash tag: all keys of a shard, and so of a page,
 * live in one slot, so one script may touch them all.
 */
export function shardPrefix(namespace: string, shard: number): string {
  return `{${namespace}:${shard}}`;
}

/** What every key of a shard starts with. The scripts build the keys of lanes, windows and jobs from it. */
export function shardRoot(namespace: string, shard: number): string {
  return `${shardPrefix(namespace, shard)}:`;
}

/**
 * A key that never exists. While a slot of a Redis Cluster moves, each node has only some of its keys. If a script names this key
 * beside another one, the node answers "try again" during the move, instead of running the script on the keys it happens to have.
 */
export function absentKey({ root }: { root: string }): string {
  return `${root}-`;
}

/** The key of the namespace's number of shards. */
export function shardsKey(namespace: string): string {
  return `{${namespace}}:shards`;
}

/** The client name of an installation's connections in Redis: a change of the number of shards ends them all. */
export function connectionName(namespace: string): string {
  return `kitechat-sender:${namespace}`;
}

/** What the keys of the whole fleet start with; they have a slot of their own in a Redis Cluster. */
export function fleetRoot(namespace: string): string {
  return `{${namespace}:fleet}:`;
}

/** The key of the record of operators' actions. */
export function auditKey(namespace: string): string {
  return `${fleetRoot(namespace)}audit`;
}

/** Returns the shard that stores everything of a page. */
export function shardOfPage(pageId: string, shards: number): number {
  if (shards === 1) return 0;
  return createHash('sha256').update(pageId).digest().readUInt32BE(0) % shards;
}

/** The shard that a message id names, or `null` if the text isn't a message id. */
export function shardOfId(id: string): number | null {
  const match = ID_PATTERN.exec(id);
  return match?.[1] === undefined ? null : Number.parseInt(match[1], 36);
}

export function messageId(shard: number, ulid: string): string {
  return `${shard.toString(36)}-${ulid}`;
}

/**
 * The name of a conversation's lane: `<page>/<conversation>`. Ids can be any text, so an id that isn't short and plain is replaced
 * by a hash. `~` marks hashes and never occurs in a plain id, so two conversations never share a name.
 */
export function laneOf(pageId: string, conversationId: string): string {
  return `${keyPart(pageId)}/${keyPart(conversationId)}`;
}

/** The name under which a page remembers an idempotency key. */
export function idempotencyName(pageId: string, idempotencyKey: string): string {
  return `${keyPart(pageId)}/${keyPart(idempotencyKey)}`;
}

/** Returns the name of an id in keys: the id itself, or `~` and a hash. */
export function keyPart(text: string): string {
  if (PLAIN_PART.test(text)) return text;
  return `~${createHash('sha256').update(JSON.stringify(text)).digest('base64url').slice(0, 22)}`;
}

/** The roots of all shards of a namespace. */
export function shardRoots(namespace: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, index) => shardRoot(namespace, index));
}
