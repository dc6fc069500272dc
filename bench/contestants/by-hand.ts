import { openRedisStore } from '../stage/redis-store.ts';
import type { ClientName } from './clients.ts';
import type { Enter } from './contestant.ts';
import { withAdapter } from './with-adapter.ts';

/** What a team writes first: a BullMQ queue, a worker with an HTTP client, retries. Messages of a conversation overtake each other. */
export function byHand(client: ClientName, name = `BullMQ + ${client}`): Enter {
  return withAdapter({
    name,
    keepsOrder: false,
    adapter: new URL('by-hand-adapter.ts', import.meta.url),
    client,
    openStore: openRedisStore,
  });
}

/** The same with BullMQ's own limiter: 50 a second. */
export const byHandLimited: Enter = withAdapter({
  name: 'BullMQ + undici, limiter',
  keepsOrder: false,
  adapter: new URL('by-hand-limited-adapter.ts', import.meta.url),
  client: 'undici',
  openStore: openRedisStore,
});
