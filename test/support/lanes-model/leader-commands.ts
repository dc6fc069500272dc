import fc from 'fast-check';
import { beatIn, LEASE_MS, tickIn } from '../../../src/shared/lanes/fleet/leader.ts';
import { writePace } from '../../../src/shared/lanes/fleet/limits.ts';
import { checked, command, commandAbout, type LaneCommand } from './command.ts';
import {
  bringBackDue,
  count,
  endMessage,
  isAfterGap,
  LOCK_MS,
  type Model,
  noDepartures,
  openMessages,
} from './model.ts';
import type { World } from './world.ts';

const WORKER_MEMORY_MS = 30_000;
const KEEP_DONE_MS = 600_000;
const WORKERS = ['w0', 'w1', 'w2'];

/** Time passes: waits end, messages and keys expire, workers fall silent. */
export const clockCommand = fc
  .constantFrom(20, 100, 1000, 1000, 30_000, 30_000, 3_600_000, 86_400_000)
  .map((ms): LaneCommand => command(`clock(+${ms})`, async (model, world) => await forward(model, world, ms)));

export async function forward(model: Model, world: World, ms: number): Promise<void> {
  model.passedMs += ms;
  await setClock(model, world, model.now + ms);
  for (const [name, { until }] of model.keys) {
    if (until > model.now) continue;
    // Redis's own clock would have removed it.
    model.keys.delete(name);
    await world.forget(`idem:${name}`);
  }
}

/** Redis's clock is set back, as after a failover, just after the leader has read it. */
export const clockBackCommand = fc.constantFrom(10, 1000, 60_000, 3_600_000).map((ms): LaneCommand =>
  command(`clock(-${ms})`, async (model, world) => {
    await checked(model, world, async () => await tick(model, world, model.lease?.id ?? 'w0'));
    await setClock(model, world, model.now - ms);
    count(model, 'clock back');
  }),
);

async function setClock(model: Model, world: World, now: number): Promise<void> {
  model.now = now;
  // A worker that should have looked meanwhile has not.
  model.isWakeOwed ||= !model.seen.isMarked;
  await world.setClock(now);
}

function takeLease(model: Model, id: string): boolean {
  const leftMs = (model.lease?.until ?? 0) - model.now;
  const isLed = leftMs > 0 && leftMs <= LEASE_MS;
  if (isLed && model.lease?.id !== id) return false;
  model.lease = { id, until: model.now + LEASE_MS };
  return true;
}

interface Beat {
  id: string;
  /** 0 if the worker leaves. */
  concurrency: number;
  window: number;
}

/** A worker process sends a heartbeat, with the operator's fixed window, or leaves. */
export const beatCommand = fc
  .record({
    id: fc.constantFrom(...WORKERS),
    concurrency: fc.constantFrom(0, 1, 2, 8),
    window: fc.constantFrom(0, 0, 1, 2, 3),
  })
  .map((beat): LaneCommand =>
    command(`beat(${JSON.stringify(beat)})`, async (model, world) => {
      const { id, concurrency, window } = beat;
      const record = concurrency === 0 ? null : { version: '1', since: '', concurrency, sending: 0 };
      const { leads } = await beatIn(world.shard, { workerId: id, record, window });
      if (leads !== noteBeat(model, beat)) throw new Error(`${id} ${leads ? 'leads' : 'does not lead'}`);
      count(model, leads ? 'leads' : 'follows');
    }),
  );

/** @returns whether the worker leads. */
function noteBeat(model: Model, { id, concurrency, window }: Beat): boolean {
  const wasThere = model.registered.has(id);
  if (concurrency === 0) {
    model.registered.delete(id);
    if (model.lease?.id === id) model.lease = null;
  } else {
    model.registered.set(id, { concurrency, seenAt: model.now });
  }
  const leads = concurrency > 0 && takeLease(model, id);
  if (leads && model.now > (model.tickedAt ?? 0)) noteTime(model);
  const isChange = concurrency === 0 ? wasThere : !wasThere;
  if (!leads && !isChange) return leads;
  let sum = 0;
  for (const [other, record] of model.registered) {
    record.seenAt = Math.min(record.seenAt, model.now);
    if (model.now - record.seenAt > WORKER_MEMORY_MS) model.registered.delete(other);
    else sum += record.concurrency;
  }
  if (sum > 0) model.rules = { ...model.rules, concurrency: sum, window };
  return leads;
}

/** A worker's task of every second: the leader brings back due messages, and removes messages that were delivered long ago. */
export const tickCommand = commandAbout(
  'tick',
  () => WORKERS,
  async (model, world, { about }) => await tick(model, world, about),
);

export async function tick(model: Model, world: World, id: string): Promise<void> {
  const ticked = await tickIn(world.shard, {
    workerId: id,
    keepDoneMs: KEEP_DONE_MS,
    keepDone: 1000,
    keepEvents: 1000,
    lockMs: LOCK_MS,
  });
  const leads = takeLease(model, id);
  if (leads !== (ticked !== 'resigned')) throw new Error(`${id} ${leads ? 'should' : 'should not'} lead`);
  if (typeof ticked === 'string') return;
  const { nextMs } = ticked;
  noteTick(model);
  const scheduled = openMessages(model).filter(({ place }) => place === 'scheduled');
  const expected = Math.min(...scheduled.map(({ dueAt }) => (dueAt ?? 0) - model.now));
  const isAsExpected = nextMs === expected || model.wasDisturbed;
  if (!isAsExpected) throw new Error(`the next is due in ${nextMs} ms, not ${expected} ms`);
}

function noteTime(model: Model): void {
  const { now } = model;
  if (isAfterGap(model)) model.backAt = now;
  model.tickedAt = now;
}

function noteTick(model: Model): void {
  const { now, seen } = model;
  const backMs = (model.tickedAt ?? now) - now;
  noteTime(model);
  if (backMs > 0) {
    count(model, 'tick after the clock was set back');
    // A wait that an operator has deleted is put back as it was.
    for (const message of openMessages(model)) {
      if (message.nextAt !== null && message.id in model.seen.delayed) message.nextAt -= backMs;
    }
  }
  bringBackDue(model);
  model.isWakeOwed = false;
  for (const [id, endedAt] of Object.entries(seen.completed)) {
    const message = model.messages.get(id);
    if (endedAt > now - KEEP_DONE_MS || !message) continue;
    endMessage(model, message, message.why ?? 'delivered');
    message.place = 'gone';
    count(model, 'forgotten');
  }
}

/** Another limit applies from now on, or none. */
export const paceCommand = fc
  .record({
    intervalMs: fc.constantFrom(0, 0, 100, 400),
    burst: fc.constantFrom(1, 3),
    pageIntervalMs: fc.constantFrom(0, 0, 200, 1000),
    pageBurst: fc.constantFrom(1, 2),
  })
  .map((pace): LaneCommand =>
    command(`pace(${JSON.stringify(pace)})`, async (model, world) => await setPace(model, world, pace)),
  );

type ShardPace = Pick<Model['rules'], 'intervalMs' | 'burst' | 'pageIntervalMs' | 'pageBurst'>;

async function setPace(model: Model, world: World, pace: ShardPace): Promise<void> {
  model.term += 1;
  const { term } = await writePace(world.redis, world.shard.root, model.term, pace);
  if (term !== model.term) throw new Error(`the pace is of term ${term}, not ${model.term}`);
  // A write of an earlier leader comes too late.
  const late = await writePace(world.redis, world.shard.root, model.term - 1, { ...pace, intervalMs: 7 });
  if (late.term !== model.term) throw new Error('an earlier leader has set the pace');
  model.rules = { ...model.rules, ...pace };
  model.departures = noDepartures();
  count(model, 'pace');
}

/** No limit applies any more. */
export async function lift(model: Model, world: World): Promise<void> {
  await setPace(model, world, { intervalMs: 0, burst: 1, pageIntervalMs: 0, pageBurst: 1 });
}
