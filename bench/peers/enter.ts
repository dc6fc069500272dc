import type { Enter } from '../contestants/contestant.ts';
import { type AdapterContestant, withAdapter } from '../contestants/with-adapter.ts';
import { openPostgresStore } from '../stage/postgres-store.ts';
import { openRedisStore } from '../stage/redis-store.ts';
import { installPeers } from './install.ts';

/** All of them send with the cheapest client unless said otherwise: what differs is the queue. */
function peer(options: Omit<AdapterContestant, 'client'> & Partial<AdapterContestant>): Enter {
  const enter = withAdapter({ client: 'undici', ...options });
  return async (place) => {
    installPeers();
    return await enter(place);
  };
}

const groupmqAdapter = {
  keepsOrder: true,
  adapter: new URL('groupmq-adapter.ts', import.meta.url),
  openStore: openRedisStore,
};

export const groupmq = peer({ name: 'groupmq + undici', ...groupmqAdapter });

/** With the client that we and most teams use. */
export const groupmqKy = peer({ name: 'groupmq + ky', ...groupmqAdapter, client: 'ky' });

export const beeQueue = peer({
  name: 'bee-queue + undici',
  keepsOrder: false,
  adapter: new URL('bee-queue-adapter.ts', import.meta.url),
  openStore: openRedisStore,
});

const pgBossAdapter = {
  keepsOrder: true,
  adapter: new URL('pg-boss-adapter.ts', import.meta.url),
  openStore: openPostgresStore,
};

export const pgBoss = peer({ name: 'pg-boss + undici', ...pgBossAdapter });

export const pgBossKy = peer({ name: 'pg-boss + ky', ...pgBossAdapter, client: 'ky' });

export const graphileWorker = peer({
  name: 'graphile-worker + undici',
  keepsOrder: true,
  adapter: new URL('graphile-worker-adapter.ts', import.meta.url),
  openStore: openPostgresStore,
});
