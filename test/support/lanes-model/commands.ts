import fc from 'fast-check';
import type { Rules } from '../lanes.ts';
import type { LaneCommand } from './command.ts';
import * as hold from './hold-commands.ts';
import * as leader from './leader-commands.ts';
import * as letter from './letter-commands.ts';
import * as operator from './operator-commands.ts';
import * as producer from './producer-commands.ts';
import * as worker from './worker-commands.ts';

const weighted: [weight: number, arbitrary: fc.Arbitrary<LaneCommand>][] = [
  [12, producer.enqueueCommand],
  [1, producer.enqueueAgainCommand],
  [1, producer.enqueueWithoutMemoryCommand],
  [4, producer.replayCommand],
  [4, producer.cancelCommand],
  [30, worker.turnCommand],
  [2, worker.crashCommand],
  [6, worker.stallCommand],
  [2, worker.killerCommand],
  [8, leader.clockCommand],
  [2, leader.clockBackCommand],
  [3, leader.beatCommand],
  [4, leader.tickCommand],
  [3, leader.paceCommand],
  [3, hold.holdCommand],
  [3, hold.releaseCommand],
  [2, letter.discardCommand],
  [1, letter.settleCommand],
  [1, letter.expireCommand],
  [1, letter.removeLetterCommand],
  [1, operator.removeCommand],
  [1, operator.promoteCommand],
  [1, operator.forgetCommand],
  [1, operator.foreignCommand],
  [1, operator.scriptFlushCommand],
  [1, operator.reconcileCommand],
];

/** @param replayPath the path that a failing run printed */
export function laneCommands(maxCommands: number, replayPath: string | undefined) {
  const options = weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }));
  return fc.commands([fc.oneof(...options)], {
    maxCommands,
    size: 'max',
    ...(replayPath === undefined ? {} : { replayPath }),
  });
}

/** The limits at the beginning of a run. */
export const firstRules: fc.Arbitrary<Required<Rules>> = fc.record({
  concurrency: fc.constantFrom(50, 8, 2),
  window: fc.constantFrom(0, 1, 2, 3),
  intervalMs: fc.constantFrom(0, 0, 0, 100),
  burst: fc.constantFrom(1, 3),
  pageIntervalMs: fc.constantFrom(0, 0, 0, 1000),
  pageBurst: fc.constantFrom(1, 2),
});
