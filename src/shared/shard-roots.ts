import { shardRoot } from './keys.ts';

/** The roots of all shards of a namespace. */
export function shardRoots(namespace: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, index) => shardRoot(namespace, index));
}
