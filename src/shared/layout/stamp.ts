import { layout, version } from '../version.ts';

/** The entry in Redis about a whole namespace: its number of shards and the layout of its keys. */
export type Stamp = SettledStamp | ReshardingStamp | TakingOverStamp;

/** The namespace can be used. */
export interface SettledStamp {
  state: 'settled';
  shards: number;
  layout: number;
  /** The version that wrote the stamp, for information. `null` in layout 1. */
  version: string | null;
}

/** The number of shards is being changed: no process may use the namespace. */
export interface ReshardingStamp {
  state: 'resharding';
  shards: number;
  /** The new number of shards. */
  next: number;
  layout: number;
}

/** The namespace is being changed from layout 1 to this layout: no process may use it. */
export interface TakingOverStamp {
  state: 'taking-over';
  shards: number;
  /** `closing`: connections of version 0.1 may be open. `clearing`: they have ended, and old keys are removed. */
  step: 'closing' | 'clearing';
  /** The name of this take-over. */
  token: string;
}

// Version 0.1 reads any text other than its own number as another number of shards, and refuses to start.
const SETTLED = /^(\d+)(?: layout (\d+)(?: version (\S+))?.*)?$/;
const RESHARDING = /^resharding (\d+) (\d+)(?: layout (\d+).*)?$/;
const TAKING_OVER = /^taking-over (\d+) (closing|clearing) (\S+)$/;

/** Returns the text of a stamp; for layout 1 the text that version 0.1 wrote. */
export function formatStamp(stamp: Stamp): string {
  switch (stamp.state) {
    case 'settled':
      return `${stamp.shards}${ending(stamp.layout)}`;
    case 'resharding':
      return `resharding ${stamp.shards} ${stamp.next}${ending(stamp.layout)}`;
    case 'taking-over':
      return `taking-over ${stamp.shards} ${stamp.step} ${stamp.token}`;
  }
}

function ending(ofLayout: number): string {
  return ofLayout === 1 ? '' : ` layout ${ofLayout} version ${version}`;
}

/** Returns the stamp of a namespace that this version sets up. */
export function ourStamp(shards: number): SettledStamp {
  return { state: 'settled', shards, layout, version };
}

/** Reads a stamp; returns `null` if the text isn't one. */
export function parseStamp(text: string): Stamp | null {
  const settled = SETTLED.exec(text);
  if (settled) {
    const [, shards, ofLayout = '1', by = null] = settled;
    return { state: 'settled', shards: Number(shards), layout: Number(ofLayout), version: by };
  }
  const resharding = RESHARDING.exec(text);
  if (resharding) {
    const [, shards, next, ofLayout = '1'] = resharding;
    return { state: 'resharding', shards: Number(shards), next: Number(next), layout: Number(ofLayout) };
  }
  const [, shards, step, token] = TAKING_OVER.exec(text) ?? [];
  if (token === undefined) return null;
  return { state: 'taking-over', shards: Number(shards), step: step as TakingOverStamp['step'], token };
}
