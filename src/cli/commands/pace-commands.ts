import { type Command, Option } from 'commander';
import { addActor } from '../context/actor.ts';
import { type Actions, json, lazily, opaqueId, rateLimitFlag } from '../context/arguments.ts';
import { uses } from '../context/uses.ts';
import { withVariables } from '../context/variables.ts';
import type { TargetOptions } from './hold.ts';
import type { LimitFlags } from './limits.ts';

interface TargetFlags extends TargetOptions {
  all?: true;
}

/** `hold` and `release`. */
export function addHoldCommands(program: Command, { run }: Actions): void {
  addTarget(
    withVariables(program.command('hold'), uses.connection).description('stop sending; messages wait until "release"'),
  ).action(
    run(
      async (context, { all: _all, ...target }: TargetFlags) =>
        await (await import('./hold.ts')).holdMessages(context, target),
    ),
  );
  addTarget(
    withVariables(program.command('release'), uses.connection).description(
      'end a hold that "hold" or a dead letter has set',
    ),
  ).action(
    run(
      async (context, { all: _all, ...target }: TargetFlags) =>
        await (await import('./hold.ts')).releaseMessages(context, target),
    ),
  );
}

function addTarget(command: Command): Command {
  return addActor(command)
    .addOption(new Option('--all', 'everything').conflicts(['page', 'conversation']))
    .option('--page <id>', 'one page', opaqueId)
    .option('--conversation <id>', 'one conversation of the page', opaqueId)
    .addOption(json())
    .hook('preAction', () => {
      const { all, page, conversation } = command.opts<TargetFlags>();
      if (conversation !== undefined && page === undefined) {
        command.error('error: --conversation also needs --page');
      }
      if (!all && page === undefined) command.error('error: give --all, --page, or --page with --conversation');
    });
}

/** `limits show` and `limits set`. */
export function addLimitCommands(program: Command, { run, ask }: Actions): void {
  const limits = program.command('limits').description('show or set the rate limits of all workers at run time');

  withVariables(limits.command('show'), uses.limits)
    .description('show the limits in force, and their source')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./limits.ts')).showLimits)));

  const set = addActor(withVariables(limits.command('set'), uses.limits));
  set
    .description('set limits that override the variables of all workers within seconds')
    .option('--rate <limit>', 'the limit of the whole fleet, such as 50/s or "300/min burst 10"', rateLimitFlag)
    .option('--page-rate <limit>', 'the limit of each page', rateLimitFlag)
    .addOption(json())
    .addHelpText(
      'after',
      '\nA limit may also be none (no limit) or default (the variables of the workers apply again).',
    )
    .hook('preAction', () => {
      const { rate, pageRate } = set.opts<LimitFlags>();
      if (rate === undefined && pageRate === undefined) set.error('error: give --rate, --page-rate, or both');
    })
    .action(run(lazily(async () => (await import('./limits.ts')).setLimits)));
}
