import type { Contestant, Enter } from '../contestants/contestant.ts';
import { startFleet } from '../contestants/fleet.ts';
import { type CommandCount, openCommandCount } from '../stage/command-count.ts';
import { type PlainApi, startPlainApi } from '../stage/plain-api.ts';
import { type Observation, observeFrom, usedBetween } from './observation.ts';

export const WORKERS = 8;
/** The default of both contestants that have a fleet. */
export const CONCURRENCY = 50;
export const API_LATENCY_MS = 20;

/** What was used up to a moment, with the commands that the store has carried out. */
export interface FleetObservation extends Observation {
  commands: number;
}

/** A fleet of workers on a system of its own. */
export interface FleetSide extends AsyncDisposable {
  contestant: Contestant;
  api: PlainApi;
  /** Looks as soon as so many messages have arrived. */
  observe(least: number): Promise<FleetObservation>;
}

export async function openFleetSide(enter: Enter): Promise<FleetSide> {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startPlainApi(API_LATENCY_MS));
  const contestant = stack.use(await enter({ apiUrl: api.url, concurrency: CONCURRENCY }));
  const { workers } = stack.use(await startFleet(contestant, WORKERS));
  const count: CommandCount = stack.use(await openCommandCount(contestant.store.url));
  const owned = stack.move();
  return {
    contestant,
    api,
    async observe(least) {
      const observation = await observeFrom({ contestant, workers, api }, least);
      return { ...observation, commands: await count.read() };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The same as `usedBetween`, with the commands per message. */
export function usedByFleet(from: FleetObservation, to: FleetObservation) {
  return { ...usedBetween(from, to), commands: (to.commands - from.commands) / (to.arrived - from.arrived) };
}
