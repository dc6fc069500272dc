import { ASIDE, BACKOFF, HELD, HIGH_BELOW, IN_FLIGHT, KEYLESS } from '../../../src/shared/lanes/lib/places.ts';
import type { Moment } from './moment.ts';
import { isPageHeld } from './hold-invariants.ts';
import { type Message, type Model, PAGES, windowSize } from './model.ts';
import { HORIZON_MS } from './pace.ts';
import type { Snapshot } from './snapshot.ts';

type Where = 'ready' | 'in flight' | 'backoff' | 'aside' | 'keyless' | 'held';

/** Each head is in one place, and no message that may leave stands still. Returns the violations. */
export function pageProblems(moment: Moment): string[] {
  const { model } = moment;
  if (model.isDisturbed) return [];
  return [
    ...problemsOfHeads(model),
    ...PAGES.flatMap((page) =>
      problemsOfPage(model, page).concat(problemsOfRest(moment, page), problemsOfRoom(moment, page)),
    ),
    ...problemsOfWaking(model),
  ];
}

export function whereIs(score: number): Where {
  if (score < IN_FLIGHT) return 'ready';
  if (score < BACKOFF) return 'in flight';
  if (score < ASIDE) return 'backoff';
  if (score < KEYLESS) return 'aside';
  return score < HELD ? 'keyless' : 'held';
}

/** Those aside count as those in backoff: neither is in the page's window. Those without a key count as held: they take no share. */
function countHeads(seen: Snapshot, page: string): Record<Exclude<Where, 'aside' | 'keyless'>, number> {
  const counts = { ready: 0, 'in flight': 0, backoff: 0, held: 0 };
  const countedAs = { aside: 'backoff', keyless: 'held' } as const;
  for (const score of Object.values(seen.heads[page] ?? {})) {
    const where = whereIs(score);
    counts[where === 'aside' || where === 'keyless' ? countedAs[where] : where] += 1;
  }
  return counts;
}

/** The score of each conversation agrees with the place of its head. */
function problemsOfHeads(model: Model): string[] {
  const { seen, messages } = model;
  const scores = Object.assign({}, ...Object.values(seen.heads)) as Record<string, number>;
  return [...new Set([...Object.keys(seen.lanes), ...Object.keys(scores)])].flatMap((lane) => {
    const head = messages.get(seen.lanes[lane]?.[0] ?? '');
    const score = scores[lane];
    if (head?.place === 'gone') return [];
    if (score === undefined) return isLostHead(model, head) ? [] : [`${lane} has messages and no score`];
    if (!head) return [`${lane} has a score and no messages`];
    const where = whereIs(score);
    const expected = placesOf(model, head);
    if (!expected.includes(where)) return [`${lane} is ${where}, its head ${head.id} ${head.place} ${head.why}`];
    const isInClass = where !== 'ready' || model.wasDisturbed || score < HIGH_BELOW === head.isHigh;
    return isInClass ? [] : [`${lane} has the wrong priority`];
  });
}

/** After an operator deleted the scores: a head in flight gets its score again when it ends or comes back. */
function isLostHead({ seen, wasDisturbed, strays }: Model, head: Message | undefined): boolean {
  if (!wasDisturbed || head === undefined) return false;
  return seen.jobs[head.id]?.['place'] !== undefined || strays.has(head.id);
}

function placesOf({ seen, holds }: Model, { id, place, why, lane }: Message): Where[] {
  if (place === 'put-off' && (why === 'backoff' || why === 'aside' || why === 'keyless')) return [why];
  if (place !== 'waiting' || seen.jobs[id]?.['place'] === 'released') return ['in flight'];
  return holds.has(lane) ? ['ready', 'held'] : ['ready'];
}

/** Pages with work share the fleet, except those that an operator holds. */
function problemsOfPage(model: Model, page: string): string[] {
  const { seen, wasDisturbed } = model;
  const { held: _held, ...work } = countHeads(seen, page);
  const hasWork = work.ready + work['in flight'] + work.backoff > 0;
  const [isListed, isAsleep] = [seen.pages.includes(page), seen.asleep.includes(page)];
  const hasTurn = page in seen.turns;
  const wakesAt = seen.paced[page];
  const { pageIntervalMs, pageBurst } = model.rules;
  // Messages that leave at the catch-up pace wait a little longer after the clock was set back.
  const longestMs = pageIntervalMs * (1 + 0.05 * pageBurst);
  return [
    ...(hasWork && !isListed && !isAsleep && !(wasDisturbed && work.ready === 0)
      ? [`${page} has work and is not in pages`]
      : []),
    ...(!hasWork && (hasTurn ? !isListed && !isAsleep && !wasDisturbed : isListed || isAsleep)
      ? [`${page} has no work, and nobody will look at it`]
      : []),
    ...(isListed && isAsleep && !hasTurn ? [`${page} is in pages, asleep, and has no turn`] : []),
    ...(isAsleep && !isPageHeld(model, page) ? [`${page} is asleep, and nobody holds it`] : []),
    ...(wakesAt !== undefined && !hasWork ? [`${page} is paced and has no work`] : []),
    // Allowed until the leader has noticed that the clock was set back.
    ...(wakesAt !== undefined && wakesAt > model.now + longestMs + 1 && model.now >= (model.tickedAt ?? 0)
      ? [`${page} is paced until ${wakesAt - model.now} ms from now`]
      : []),
  ];
}

/** Ready conversations wait only for a hold, for a time, or for room that a message in flight will free. */
function problemsOfRest({ model, before }: Moment, page: string): string[] {
  const { seen } = model;
  const { ready, backoff, 'in flight': inFlight } = countHeads(seen, page);
  const isLookedAt = page in seen.turns || page in seen.paced;
  if (ready === 0 || isLookedAt || (seen.asleep.includes(page) && isPageHeld(model, page))) return [];
  if (inFlight + backoff === 0) return [`${page} stands still`];
  if (!(page in before.seen.turns)) return [];
  // Pages that fall asleep in this step had their share at its beginning.
  const pages = Math.max(before.seen.pages.length, Object.keys(seen.heads).length);
  const size = Math.min(windowSize(before, pages), windowSize(model, pages));
  return inFlight + backoff >= size ? [] : [`${page} has lost its turn with ${inFlight} of ${size} in flight`];
}

/** The number in flight grows at most to the page's window, and not at all while four times as many are in backoff. */
function problemsOfRoom({ model, before }: Moment, page: string): string[] {
  const [was, is] = [countHeads(before.seen, page), countHeads(model.seen, page)];
  const pages = Math.min(before.seen.pages.length, model.seen.pages.length);
  const size = Math.max(windowSize(before, pages), windowSize(model, pages));
  // A repair finds heads that were in flight before.
  const isMore = is['in flight'] > was['in flight'] && !model.wasDisturbed;
  return [
    ...(isMore && is['in flight'] > size ? [`${page} has ${is['in flight']} in flight, its room is ${size}`] : []),
    ...(isMore && is.backoff >= 4 * size ? [`${page} releases more while ${is.backoff} are in backoff`] : []),
  ];
}

/** Without a limit, if there is something to take, a waiting worker is woken, or a worker has promised to look soon. */
function problemsOfWaking({ seen, now, rules, workers, isWakeOwed, wasDisturbed }: Model): string[] {
  const hasSlots = workers.some(({ slots }) => slots.length > 0);
  const isWork = Object.keys(seen.turns).length + seen.wait.length > 0;
  const looksInMs = Number(seen.fleet['wakeAt'] ?? 0) - now;
  const isLookedAfter =
    seen.isMarked || isWakeOwed || hasSlots || (looksInMs >= -HORIZON_MS / 2 && looksInMs <= HORIZON_MS);
  const mustWake = isWork && rules.intervalMs === 0 && !wasDisturbed;
  return mustWake && !isLookedAfter ? ['something is ready, and nobody is woken'] : [];
}
