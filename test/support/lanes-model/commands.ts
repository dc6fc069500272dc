import fc from 'fast-check';
import * as bury from './bury-commands.ts';
import * as cancel from './cancel-commands.ts';
import type { LaneCommand } from './command.ts';
import * as due from './due-commands.ts';
import * as hold from './hold-commands.ts';
import * as letter from './letter-commands.ts';
import * as memory from './memory-commands.ts';
import * as operator from './operator-commands.ts';
import * as producer from './producer-commands.ts';
import * as together from './together-commands.ts';
import * as worker from './worker-commands.ts';

const weighted: [weight: number, arbitrary: fc.Arbitrary<LaneCommand>][] = [
  [10, producer.enqueueCommand],
  [4, producer.burstCommand],
  [1, producer.enqueueAgainCommand],
  [4, producer.replayCommand],
  [3, letter.policyCommand],
  [2, letter.discardCommand],
  [1, letter.expireCommand],
  [1, letter.removeLetterCommand],
  [14, worker.stepCommand],
  [10, worker.processCommand],
  [4, worker.processAllCommand],
  [3, worker.allLimitedCommand],
  [12, together.togetherCommand],
  [5, worker.repeatCommand],
  [3, worker.crashCommand],
  [5, worker.freezeCommand],
  [1, worker.stalledCheckCommand],
  [5, worker.killerCommand],
  [1, worker.impostorCommand],
  [5, operator.clockCommand],
  [3, due.dueCommand],
  [3, operator.registerCommand],
  [1, operator.scriptFlushCommand],
  [4, cancel.cancelCommand],
  [1, cancel.cancelUnknownCommand],
  [3, hold.holdCommand],
  [3, hold.releaseCommand],
  [2, operator.removeCommand],
  [4, operator.promoteCommand],
  [2, operator.forgottenEndCommand],
  [3, bury.failCommand],
  [1, bury.buryCommand],
  [1, bury.buryUnreadableCommand],
  [1, operator.reconcileCommand],
  [1, memory.enqueueWithoutMemoryCommand],
  [3, memory.workWithoutMemoryCommand],
];

/** @param replayPath as a failing run printed it */
export function laneCommands(maxCommands: number, replayPath: string | undefined) {
  const options = weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }));
  return fc.commands([fc.oneof(...options)], {
    maxCommands,
    size: 'max',
    ...(replayPath === undefined ? {} : { replayPath }),
  });
}
