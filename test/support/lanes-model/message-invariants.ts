import { hasEnded, headOf, type Message, type Model } from './model.ts';
import type { Snapshot } from './snapshot.ts';

/** What Redis holds of each message, against what the model says. Returns what is wrong. */
export function messageProblems(model: Model): string[] {
  const { seen } = model;
  const places = placesOf(seen);
  const messages = [...model.messages.values()];
  const strangers = [...places.keys(), ...Object.keys(seen.jobs)].filter((id) => !model.messages.has(id));
  return [
    ...messages.flatMap((message) => problemsOfPlace(model, message, places.get(message.id) ?? [])),
    ...messages.flatMap((message) => problemsOfHash(model, message)),
    ...strangers.map((id) => `${id} is there though it was never stored`),
    ...problemsOfOrder(model),
    ...problemsOfPutOffs(model),
    ...problemsOfLetters(model),
  ];
}

type Place = 'waitingChildren' | 'wait' | 'active' | 'delayed' | 'completed' | 'failed';

function placesOf(seen: Snapshot): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  const note = (place: Place, ids: string[]): void => {
    for (const id of ids) places.set(id, [...(places.get(id) ?? []), place]);
  };
  for (const place of ['waitingChildren', 'wait', 'active', 'completed', 'failed'] as const) note(place, seen[place]);
  note('delayed', Object.keys(seen.delayed));
  return places;
}

function problemsOfPlace(model: Model, message: Message, places: Place[]): string[] {
  const { id, lane, end, promoted } = message;
  const problems: string[] = [];
  const [place] = places;
  if (places.length > 1) problems.push(`${id} is in ${places.join(' and ')}`);
  if (model.seen.locks[id] !== model.locks.get(id)) problems.push(`${id} has the lock ${model.seen.locks[id]}`);
  if (end === 'removed') return place ? [...problems, `${id} was removed and is in ${place}`] : problems;
  if (end !== null) {
    // A worker that was about to put it off when it was cancelled learns of that when it comes back.
    const isLeftOver = place === 'waitingChildren' || (place === 'delayed' && end !== 'cancelled');
    return isLeftOver ? [...problems, `${id} has ended and is in ${place}`] : problems;
  }
  if (!place || place === 'completed') return [...problems, `${id} is open and in ${place ?? 'none of the sets'}`];
  if (place !== 'waitingChildren' && headOf(model.seen, lane) !== id && !promoted) {
    problems.push(`${id} is in ${place} though ${headOf(model.seen, lane)} stands before it`);
  }
  return problems;
}

function problemsOfHash({ seen }: Model, message: Message): string[] {
  const hash = seen.jobs[message.id];
  if (!hash) return message.end === null ? [`${message.id} is open and its job is gone`] : [];
  const expected: Record<string, string | undefined> = {
    lane: message.lane,
    exp: String(message.expiresAt),
    open: message.open || undefined,
    settled: hasEnded(message) ? (message.end ?? undefined) : undefined,
    next: textOf(message.nextAt),
    held: message.putOff === 'hold' ? '1' : undefined,
    high: message.isHigh ? '1' : undefined,
    // What has ended may keep them: nothing reads them any more.
    ...(message.end === null
      ? {
          pageSlot: textOf(message.pageSlot),
          fleetSlot: textOf(message.fleetSlot),
        }
      : {}),
  };
  const counts: Record<string, number> = { used: message.used, starts: message.starts };
  const wrong = [
    ...Object.entries(expected).filter(([field, value]) => hash[field] !== value),
    ...Object.entries(counts).filter(([field, value]) => Number(hash[field] ?? 0) !== value),
  ].map(([field, value]) => `${message.id} has ${field} ${hash[field]}, not ${value}`);
  const tried = hash['history']?.split('\n').length ?? 0;
  if (tried !== message.tried) wrong.push(`${message.id} has ${tried} entries in its history, not ${message.tried}`);
  if ((hash['closed'] ?? '') !== message.closed) wrong.push(`${message.id} has closed ${hash['closed']}`);
  return wrong;
}

function textOf(time: number | null): string | undefined {
  return time === null ? undefined : String(time);
}

/** The order of each conversation. What an operator removed may stand in it until it is noticed. */
function problemsOfOrder(model: Model): string[] {
  const { seen, lanes, messages } = model;
  return [...new Set([...lanes.keys(), ...Object.keys(seen.lanes)])].flatMap((lane) => {
    const found = (seen.lanes[lane] ?? []).filter((id) => messages.get(id)?.end !== 'removed').join();
    const expected = (lanes.get(lane) ?? []).map(({ id }) => id).join();
    return found === expected ? [] : [`lane ${lane} is ${found || 'empty'}, not ${expected || 'empty'}`];
  });
}

/** What is put off, why and until when: for status and for limits. */
function problemsOfPutOffs(model: Model): string[] {
  const { seen, messages } = model;
  const expected: Record<'backoff' | 'hold' | 'slot' | 'due', Record<string, number>> = {
    backoff: {},
    hold: {},
    slot: {},
    due: {},
  };
  for (const { id, putOff, nextAt, dueAt } of messages.values()) {
    if (putOff) expected[putOff][id] = nextAt ?? 0;
    if (dueAt !== null) expected.due[id] = dueAt;
  }
  const compare = (what: keyof typeof expected, found: Record<string, number>): string[] =>
    [...new Set([...Object.keys(found), ...Object.keys(expected[what])])]
      .filter((id) => messages.get(id)?.end !== 'removed' && found[id] !== expected[what][id])
      .map((id) => `${id} is in ${what} until ${found[id]}, not ${expected[what][id]}`);
  return [
    ...compare('backoff', seen.backoff),
    ...compare('hold', seen.held),
    ...compare('slot', Object.assign({}, ...Object.values(seen.slots)) as Record<string, number>),
    ...compare('due', seen.due),
  ];
}

function problemsOfLetters({ seen, letters, messages }: Model): string[] {
  const expected = [...letters].toSorted().join();
  return [
    ...(seen.hiddenLetters.length > 0 ? [`the dead letters ${seen.hiddenLetters.join()} stay hidden`] : []),
    ...(seen.letters.toSorted().join() === expected
      ? []
      : [`the dead letters are ${seen.letters.join()}, not ${expected}`]),
    ...(seen.letterJobs.toSorted().join() === expected
      ? []
      : ['a dead letter has no entry, or an entry has no letter']),
    ...problemsOfIndexes(seen, messages),
    ...seen.letters.filter((id) => messages.get(id)?.end !== 'dead').map((id) => `${id} has a letter and is not dead`),
  ];
}

/** Every letter stands in the index of its reason and in that of its page, and nothing else does. */
function problemsOfIndexes({ letters, ...seen }: Snapshot, messages: Model['messages']): string[] {
  const all = letters.toSorted().join();
  const found = {
    reasons: Object.values(seen.lettersByReason).flat().toSorted().join(),
    pages: Object.values(seen.lettersByPage).flat().toSorted().join(),
    places: Object.keys(seen.letterPlaces).toSorted().join(),
  };
  const isOfPage = (id: string, page: string): boolean =>
    messages.get(id)?.page === page && seen.letterPlaces[id]?.endsWith(` ${messages.get(id)?.lane}`) === true;
  const pages = new Set([...Object.keys(seen.lettersByPage), ...Object.keys(seen.letterPages)]);
  return [
    ...Object.entries(found)
      .filter(([, ids]) => ids !== all)
      .map(([index, ids]) => `the index of ${index} has ${ids}`),
    ...Object.entries(seen.lettersByPage).flatMap(([page, ids]) =>
      ids.filter((id) => !isOfPage(id, page)).map((id) => `the dead letter ${id} is none of ${page}`),
    ),
    ...[...pages]
      .filter((page) => seen.lettersByPage[page]?.length !== seen.letterPages[page])
      .map((page) => `the dead letters of ${page} are counted as ${seen.letterPages[page]}`),
  ];
}
