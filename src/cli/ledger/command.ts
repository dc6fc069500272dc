import type { Command } from 'commander';
import { type Actions, lazily, keptDays } from '../context/arguments.ts';
import { uses } from '../context/uses.ts';
import { withVariables } from '../context/variables.ts';

/** Adds `ledger`. */
export function addLedgerCommand(program: Command, { run }: Pick<Actions, 'run'>): void {
  withVariables(program.command('ledger'), uses.ledger)
    .description('keep what becomes of each message outside Redis, until SIGTERM, SIGINT or SIGHUP')
    .option('--postgres <URL>', 'keep it in this PostgreSQL, in the table kitechat_events; needs the package pg')
    .option('--postgres-file <FILE>', 'the same, with the URL in a file')
    .option('--dir <FOLDER>', 'keep it in files of this folder')
    .option('--content', 'keep the content of messages, too; it stays encrypted if it is')
    .option('--keep-days <N>', 'remove what is older; without it everything is kept', keptDays)
    .addHelpText('after', help)
    .action(run(lazily(async () => (await import('./run-ledger.ts')).runLedger)));
}

const help = `
Without --postgres, --postgres-file and --dir, KITECHAT_LEDGER says where. Several processes may run: they share the work.
Only events after the first start are kept. See docs/ledger.md.`;
