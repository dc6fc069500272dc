import { headOf, isOpen, type Message, type Model } from './model.ts';
import type { Snapshot } from './snapshot.ts';

/** Compares what Redis holds of each message with the model. Returns the violations. */
export function messageProblems(model: Model): string[] {
  const messages = [...model.messages.values()];
  return [
    ...messages.flatMap((message) => problemsOfHash(model, message).concat(problemsOfSets(model, message))),
    ...problemsOfOrder(model),
    ...problemsOfWaits(model),
    ...problemsOfRecords(model),
  ];
}

function problemsOfHash(model: Model, message: Message): string[] {
  const { id, place } = message;
  const hash = model.seen.jobs[id];
  if (place === 'gone' || !hash) return (place === 'gone') === !hash || isGhost(model, id) ? [] : [`${id} is ${place}`];
  const isReleased = place === 'waiting' && hash['place'] === 'released';
  const storedPlace = place === 'waiting' ? null : place;
  const expected: Record<string, string | number | null> = {
    lane: message.lane,
    exp: message.expiresAt,
    due: message.dueAt,
    high: message.isHigh ? 1 : null,
    place: isReleased ? 'released' : storedPlace,
    attempt: message.attempt === '' ? null : message.attempt,
    // A message that was found out of its place may keep these fields.
    ...(model.wasDisturbed ? {} : { next: message.nextAt, why: message.why }),
  };
  const counts = { used: message.used, crashes: message.crashes };
  return [
    ...Object.entries(expected).filter(
      ([field, value]) => (hash[field] ?? null) !== (value === null ? null : String(value)),
    ),
    ...Object.entries(counts).filter(([field, value]) => Number(hash[field] ?? 0) !== value),
    ...[['history', message.tried] as const].filter(
      ([, tried]) => (hash['history']?.split('\n').length ?? 0) !== tried,
    ),
  ].map(([field, value]) => `${id} has ${field} ${hash[field]}, not ${value}`);
}

/** For a job that an operator removed: it was released ahead, and a worker that takes it sees a foreign job. */
function isGhost({ seen, messages, wasDisturbed }: Model, id: string): boolean {
  return wasDisturbed && messages.get(id)?.why === 'removed' && seen.jobs[id]?.['lane'] === undefined;
}

const SETS = ['hidden', 'wait', 'active', 'delayed', 'completed'] as const;

function problemsOfSets(model: Model, message: Message): string[] {
  const { seen, strays } = model;
  const { id, place, lane } = message;
  if (model.isDisturbed || isGhost(model, id)) return [];
  const found = SETS.flatMap((set) =>
    idsOf(seen, set)
      .filter((other) => other === id)
      .map(() => set),
  );
  const expected = setOf(model, message);
  const isRight = strays.has(id)
    ? found.every((set) => set === 'wait' || set === expected)
    : found.join() === (expected ?? '');
  // A message that lost its place in `active` is put into `wait`, and dropped there as long as its lock lasts.
  const isMended =
    model.wasDisturbed && place === 'sending' && found.every((set) => set === 'active' || set === 'wait');
  const isHead = headOf(seen, lane) === id;
  return [
    ...(isRight || isMended ? [] : [`${id} is in ${found.join(' and ') || 'no set'}, not in ${expected}`]),
    ...(isHead || ['waiting', 'scheduled', 'ended', 'gone'].includes(place) ? [] : [`${id} is ${place} and no head`]),
    ...(isHead || seen.jobs[id]?.['place'] !== 'released' ? [] : [`${id} is released and no head`]),
  ];
}

function idsOf(seen: Snapshot, set: (typeof SETS)[number]): string[] {
  const ids = seen[set];
  return Array.isArray(ids) ? ids : Object.keys(ids);
}

function setOf({ seen, locks }: Model, { id, place }: Message): (typeof SETS)[number] | undefined {
  switch (place) {
    case 'waiting':
      return seen.jobs[id]?.['place'] === 'released' ? 'wait' : 'hidden';
    case 'scheduled':
      return 'hidden';
    case 'sending':
      return locks.has(id) ? 'active' : 'wait';
    case 'put-off':
      return 'delayed';
    case 'ended':
      return 'completed';
    case 'gone':
      return undefined;
  }
}

/** The order of each conversation. A removed message may stay in it until the removal is noticed. */
function problemsOfOrder({ seen, lanes, messages }: Model): string[] {
  return [...new Set([...lanes.keys(), ...Object.keys(seen.lanes)])].flatMap((lane) => {
    const found = (seen.lanes[lane] ?? []).filter((id) => messages.get(id)?.why !== 'removed').join();
    const expected = (lanes.get(lane) ?? []).map(({ id }) => id).join();
    return found === expected ? [] : [`lane ${lane} is ${found || 'empty'}, not ${expected || 'empty'}`];
  });
}

/** Messages that wait for a time. One that an operator promoted is out of its place until a worker finds it. */
function problemsOfWaits(model: Model): string[] {
  if (model.isDisturbed) return [];
  const { seen, messages, strays } = model;
  const open = [...messages.values()].filter(isOpen);
  const timesOf = (place: Message['place']): string[] =>
    open
      .filter((message) => message.place === place && !strays.has(message.id))
      .map(({ id, nextAt, dueAt }) => `${id}=${nextAt ?? dueAt}`);
  const found = (times: Record<string, number>): string[] =>
    Object.entries(times)
      .filter(([id]) => messages.get(id)?.why !== 'removed' && !strays.has(id))
      .map(([id, time]) => `${id}=${time}`);
  const held = open.filter(({ place, why }) => place === 'put-off' && why !== 'backoff').map(({ id }) => id);
  return [
    ...compared('those put off', found(seen.delayed), timesOf('put-off')),
    ...compared('the scheduled', found(seen.due), timesOf('scheduled')),
    ...compared('those put off by a hold', seen.held, held),
  ];
}

function problemsOfRecords({ seen, messages, rules, keys, locks }: Model): string[] {
  const known = Object.entries(seen.idempotency).map(([name, value]) => `${name}=${value}`);
  const expected = [...keys].map(([name, { value }]) => `${name}=${value}`);
  // A message that was settled alone keeps its lock until the lock expires.
  const sending = Object.entries(seen.locks).filter(([id]) => messages.get(id)?.place === 'sending');
  const tokens = (some: Iterable<readonly [string, string]>): string[] =>
    [...some].map(([id, token]) => `${id} ${token}`);
  const wrong = Object.entries(rules).filter(([name, value]) => Number(seen.fleet[name]) !== value);
  return [
    ...compared('the idempotency keys', known, expected),
    ...compared('the locks', tokens(sending), tokens(locks)),
    ...wrong.map(([name, value]) => `the fleet has ${name} ${seen.fleet[name]}, not ${value}`),
    ...seen.others.map((key) => `there is a key ${key}`),
  ];
}

/** Compares two lists that must be the same, in any order. */
function compared(what: string, is: readonly string[], should: readonly string[]): string[] {
  const [found, expected] = [is.toSorted().join(), should.toSorted().join()];
  return found === expected ? [] : [`${what} are ${found || 'none'}, not ${expected || 'none'}`];
}
